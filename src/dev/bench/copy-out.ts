import type pg from 'pg';

/** The signature, flags and extension length that a binary COPY begins with; then one field count and one field length. */
const HEADER_BYTES = 19 + 2 + 4;

/**
 * The single `bytea` that a query answers, by COPY in binary: the least that PostgreSQL can be asked for it. The driver's
 * own SELECT brings it as hexadecimal text instead, twice as long.
 */
export function copyOut(client: pg.ClientBase, query: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let bytes: Buffer | undefined;
    const ignore = () => undefined;
    const submittable = {
      submit: (connection: { query: (text: string) => void }) =>
        connection.query(`COPY (${query}) TO STDOUT (FORMAT binary)`),
      handleCopyData({ chunk }: { chunk: Buffer }) {
        // The header and the one row come together; what follows is the trailer. The driver uses its buffer again.
        if (bytes === undefined && chunk.length > HEADER_BYTES)
          bytes = Buffer.from(chunk.subarray(HEADER_BYTES));
      },
      handleError: reject,
      handleReadyForQuery: () => (bytes ? resolve(bytes) : reject(new Error('COPY answered no row.'))),
      handleRowDescription: ignore,
      handleDataRow: ignore,
      handleCommandComplete: ignore,
      handleEmptyQuery: ignore,
      handlePortalSuspended: ignore,
      callback: ignore,
    };
    (client as unknown as { query: (it: object) => void }).query(submittable);
  });
}
