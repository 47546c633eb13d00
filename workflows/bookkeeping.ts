import {
  CancellationScope,
  isCancellation,
  proxyLocalActivities,
  type ActivityInterfaceFor,
  type LocalActivityOptions,
  type UntypedActivities,
} from '@temporalio/workflow';

/**
 * Local activities that are not given up before the workflow gives them up. A worker that needs room in its memory may drop a
 * run whose local activity is under way, and then the activity looks as if it had been cancelled; to believe that would end the
 * run. The workflow task fails instead, so that Temporal has it done again.
 */
export function bookkeeping<A>(options: LocalActivityOptions): ActivityInterfaceFor<A> {
  const activities = proxyLocalActivities<UntypedActivities>(options);
  const started = (name: string) => {
    return (...args: unknown[]) => {
      const scope = CancellationScope.current();
      const result = activities[name]!(...args);
      // Beside the result, not in its chain: when what waits for it goes on stays as it is, and with it old histories.
      result.catch((error: unknown) => {
        if (isCancellation(error) && !scope.consideredCancelled)
          throw new Error(`The worker has dropped ${name}; the task is to be done again.`);
      });
      return result;
    };
  };
  return new Proxy({}, { get: (_, name) => started(String(name)) }) as ActivityInterfaceFor<A>;
}
