/** Where the embedded stack says what it does: one line, no newline at its end. */
export type Log = (line: string) => void;

/** Drops every line. */
export const silent: Log = () => undefined;
