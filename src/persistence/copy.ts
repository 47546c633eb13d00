import type { Db } from './db.ts';
import { clientOf, type PgClient } from './statement.ts';

/** What a binary COPY begins with, flags and the length of a header extension included. */
const HEADER = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
/** A field count of -1 ends it. */
const TRAILER = Buffer.from([0xff, 0xff]);

interface Connection {
  query(text: string): void;
  endCopyFrom(): void;
  sendCopyFail(message: string): void;
  stream: NodeJS.WritableStream & { cork(): void; uncork(): void };
}

/**
 * Runs a `COPY … TO STDOUT (FORMAT binary)`. A SELECT would bring bytes as hexadecimal text: twice the bytes, three times
 * the work. `onRow` gets the fields of one row, and must be done with them when it returns, because they are reused.
 */
export async function copyOut(db: Db, text: string, onRow: (fields: Buffer[]) => void): Promise<void> {
  await withClient(db, text, (client) =>
    submit(client, text, { handleCopyData: ({ chunk }: { chunk: Buffer }) => readRows(chunk, onRow) }),
  );
}

/**
 * Runs a `COPY … FROM STDIN (FORMAT binary)` with rows of fields in binary form: a statement per row would cost a round
 * trip each. All rows are stored or none; rejects with the error of `rows` when that fails.
 */
export async function copyIn(db: Db, text: string, rows: AsyncIterable<Buffer[]>): Promise<void> {
  await withClient(db, text, async (client) => {
    let refused = false;
    let failed: { error: unknown } | undefined;
    let sending: Promise<void> | undefined;
    const handleCopyInResponse = (connection: Connection) => {
      sending = send(connection, rows, () => refused).catch((error: unknown) => {
        failed = { error };
        // Not heard when the database has refused already; then the copy is over as it is.
        connection.sendCopyFail('the source failed');
      });
    };
    try {
      await submit(client, text, { handleCopyInResponse }, () => (refused = true));
    } catch (error) {
      await sending;
      throw failed ? failed.error : error;
    }
  });
}

async function withClient(db: Db, text: string, work: (client: PgClient) => Promise<void>): Promise<void> {
  const { client, release } = await clientOf(db, text);
  try {
    await work(client);
    release();
  } catch (error) {
    release(error as Error);
    throw error;
  }
}

/** Hands the driver a query of our own kind; resolves when the server is ready for the next one. */
function submit(
  client: PgClient,
  text: string,
  handlers: object,
  onError: () => void = () => undefined,
): Promise<void> {
  const ignore = () => undefined;
  return new Promise((resolve, reject) => {
    client.query({
      submit: (connection: Connection) => connection.query(text),
      handleError: (error: Error) => {
        onError();
        reject(error);
      },
      handleReadyForQuery: () => resolve(),
      handleRowDescription: ignore,
      handleDataRow: ignore,
      handleCommandComplete: ignore,
      handleEmptyQuery: ignore,
      handlePortalSuspended: ignore,
      callback: ignore,
      ...handlers,
    });
  });
}

/** The rows of one message: field count, then each field's length and bytes. */
function readRows(message: Buffer, onRow: (fields: Buffer[]) => void): void {
  let at = message.subarray(0, HEADER.length).equals(HEADER) ? HEADER.length : 0;
  while (at + 2 <= message.length && message.readInt16BE(at) > 0) {
    const fields: Buffer[] = [];
    const count = message.readInt16BE(at);
    at += 2;
    while (fields.length < count) {
      // A NULL has the length -1 and no bytes.
      const length = Math.max(0, message.readInt32BE(at));
      fields.push(message.subarray(at + 4, at + 4 + length));
      at += 4 + length;
    }
    onRow(fields);
  }
}

async function send(
  connection: Connection,
  rows: AsyncIterable<Buffer[]>,
  isOver: () => boolean,
): Promise<void> {
  await write(connection, [copyData(HEADER.length), HEADER]);
  for await (const fields of rows) {
    if (isOver()) return;
    await write(connection, rowMessage(fields));
  }
  if (isOver()) return;
  await write(connection, [copyData(TRAILER.length), TRAILER]);
  connection.endCopyFrom();
}

/** The parts of a message that carries one row. The fields themselves are not copied: they may be large. */
function rowMessage(fields: Buffer[]): Buffer[] {
  const size = fields.reduce((sum, field) => sum + 4 + field.length, 2);
  const count = Buffer.alloc(2);
  count.writeInt16BE(fields.length);
  return [copyData(size), count, ...fields.flatMap((field) => [int32(field.length), field])];
}

const copyData = (size: number): Buffer => Buffer.concat([Buffer.from('d'), int32(size + 4)]);

/** An `integer` as COPY has it in binary. */
export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/**
 * Resolves when the system has taken the bytes: that is what keeps a fast source from filling the memory. A broken
 * connection is no error here, because the driver will tell the query of it.
 */
function write({ stream }: Connection, parts: Buffer[]): Promise<void> {
  return new Promise((resolve) => {
    stream.cork();
    for (const part of parts.slice(0, -1)) stream.write(part);
    stream.write(parts.at(-1)!, () => resolve());
    stream.uncork();
  });
}
