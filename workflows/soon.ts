/** There at once, or a promise when something outside has to be asked: Temporal takes a stack trace of every promise. */
export type Soon<T> = T | Promise<T>;

/** Goes on with a value as soon as it is there. */
export function next<A, B>(value: Soon<A>, then: (value: A) => Soon<B>): Soon<B> {
  return value instanceof Promise ? value.then(then) : then(value);
}
