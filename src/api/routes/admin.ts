import { AppError } from '../../contract/errors.ts';
import type { Job, MaintenanceService, Patience } from '../../domain/maintenance.ts';
import type { ReconcileService } from '../../domain/reconcile.ts';
import { decodeCursor, pageReply } from '../cursor.ts';
import { type Call, type Reply, route, type Route } from '../route.ts';
import {
  findingsQuery,
  findingView,
  fsckView,
  gcBody,
  gcQuery,
  gcView,
  jobParams,
  jobQuery,
  jobView,
  noBody,
  reconcileBody,
  reconcileView,
  retentionView,
  startQuery,
} from '../schemas/admin.ts';
import { page, rowText } from '../schemas/conventions.ts';

interface Deps {
  maintenance: MaintenanceService;
  reconcile: ReconcileService;
}

type Anything = Pick<Call<never, never, never>, 'principal' | 'res'>;

const group = 'platform';
const role = 'owner';
const going = {
  description: 'It takes longer; the job goes on.',
  schema: jobView,
  headers: { Location: 'Where the job is.' },
};
const done = 'What was done, or found; on joining a job under way, by that.';

/** What keeps the store in order. All of it concerns every project. */
export function adminRoutes(deps: Deps): Route[] {
  const jobs = [gcRoute, fsckRoute, retentionRoute, reconcileRoute];
  return [...jobs, jobRoute, findingsRoute].map((make) => make(deps));
}

const gcRoute = ({ maintenance }: Deps) =>
  route({
    method: 'post',
    path: '/admin/gc',
    group,
    role,
    installation: true,
    summary:
      'Collect versions and blobs that nothing leads to; or say what would be collected, and why the rest stays.',
    query: gcQuery,
    body: gcBody,
    responses: { 200: { description: done, schema: gcView }, 202: going },
    async handler(call) {
      requireEveryProject(call);
      const { dry_run, grace_seconds } = call.body;
      const request = grace_seconds === undefined ? {} : { grace_seconds };
      if (!dry_run) {
        const job = await maintenance.run('gc', request, patienceOf(call, call.query.wait));
        return jobReply(job, (report) => ({ dry_run: false, ...report }));
      }
      const { limit, cursor, fate } = call.query;
      const after = decodeCursor(cursor, { id: rowText })?.id;
      const { items, next, ...rest } = await maintenance.preview({
        ...request,
        fate,
        page: { after, limit },
      });
      const reply = pageReply({ items, next }, (id) => ({ id }));
      return { ...reply, body: { dry_run: true, ...rest, ...reply.body } };
    },
  });

const fsckRoute = ({ maintenance }: Deps) =>
  route({
    method: 'post',
    path: '/admin/fsck',
    group,
    role,
    installation: true,
    summary:
      'Verify everything stored: bytes against their hashes, patches by replay, rows against each other.',
    query: startQuery,
    body: noBody,
    responses: { 200: { description: done, schema: fsckView }, 202: going },
    async handler(call) {
      requireEveryProject(call);
      return jobReply(
        await maintenance.run('fsck', {}, patienceOf(call, call.query.wait)),
        (report) => report,
      );
    },
  });

const retentionRoute = ({ maintenance }: Deps) =>
  route({
    method: 'post',
    path: '/admin/retention',
    group,
    role,
    installation: true,
    summary: 'Delete the runs that are past the time they are kept.',
    query: startQuery,
    body: noBody,
    responses: { 200: { description: done, schema: retentionView }, 202: going },
    async handler(call) {
      requireEveryProject(call);
      return jobReply(
        await maintenance.run('retention', {}, patienceOf(call, call.query.wait)),
        (report) => report,
      );
    },
  });

const reconcileRoute = ({ maintenance, reconcile }: Deps) =>
  route({
    method: 'post',
    path: '/admin/reconcile',
    group,
    role,
    installation: true,
    summary: 'Hold all open runs against Temporal and put right what differs; or only say what does.',
    query: startQuery,
    body: reconcileBody,
    responses: { 200: { description: done, schema: reconcileView }, 202: going },
    async handler(call) {
      requireEveryProject(call);
      const { dry_run } = call.body;
      if (dry_run) return { status: 200, body: { dry_run, ...(await reconcile.pass({ repair: false })) } };
      const job = await maintenance.run('reconcile', {}, patienceOf(call, call.query.wait));
      return jobReply(job, (report) => ({ dry_run, ...report }));
    },
  });

const jobRoute = ({ maintenance }: Deps) =>
  route({
    method: 'get',
    path: '/admin/jobs/:id',
    group,
    role,
    summary: 'A maintenance job: how far it is, or its report.',
    params: jobParams,
    query: jobQuery,
    responses: { 200: { description: 'The job.', schema: jobView } },
    async handler(call) {
      requireEveryProject(call);
      const job = await maintenance.job(call.params.id, patienceOf(call, call.query.wait));
      return { status: 200, body: viewOf(job) };
    },
  });

const findingsRoute = ({ maintenance }: Deps) =>
  route({
    method: 'get',
    path: '/admin/jobs/:id/findings',
    group,
    role,
    summary: 'Everything that a check has found, by kind.',
    params: jobParams,
    query: findingsQuery,
    responses: { 200: { description: 'One page.', schema: page(findingView) } },
    async handler(call) {
      requireEveryProject(call);
      const { limit, cursor } = call.query;
      const after = decodeCursor(cursor, { kind: rowText, about: rowText });
      return pageReply(await maintenance.findings(call.params.id, { after, limit }), (place) => ({
        ...place,
      }));
    },
  });

/** Owning one project gives no right to what all of them share. */
function requireEveryProject({ principal }: Anything): void {
  if (principal.projects === undefined) return;
  throw new AppError('forbidden', { detail: 'This needs a caller who is not limited to some projects.' });
}

function patienceOf({ res }: Anything, seconds: number): Patience {
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  return { seconds, signal: gone.signal };
}

/** 200 with the report when the job has come to it, 202 while it goes on; one that failed by itself is a fault of ours. */
function jobReply(job: Job, view: (report: Record<string, unknown>) => Record<string, unknown>): Reply {
  const { id: job_id, state } = job;
  if (state === 'running')
    return { status: 202, body: viewOf(job), headers: { Location: `/api/v1/admin/jobs/${job_id}` } };
  const report = reportOf(job);
  if (!report) throw endedOtherwise(job);
  return { status: 200, body: { job_id, ...view(report) } };
}

function endedOtherwise({ id, state, error }: Job): AppError {
  if (state === 'cancelled' || state === 'terminated')
    return new AppError('state_conflict', { detail: `The job was ${state}.`, extra: { job_id: id } });
  return new AppError('internal', { cause: new Error(`${id} ended as ${state}: ${error}`) });
}

const viewOf = (job: Job) => ({ ...job, report: reportOf(job) });

function reportOf(job: Job): Record<string, unknown> | null {
  if (job.kind !== 'fsck' || job.report === null) return job.report as Record<string, unknown> | null;
  const { checked, ...rest } = job.report;
  const { blobs, ...further } = checked;
  return { checked: blobs, ...further, ...rest };
}
