import { type CodecSecrets, PayloadCodecError, temporalCodec } from '../clients/temporal-codec.ts';
import { AppError, type Problem } from '../contract/errors.ts';

/** A payload of Temporal in the JSON of protobuf: bytes are base64. Members that are not named stay as they are. */
export interface JsonPayload {
  metadata?: Record<string, string> | null;
  data?: string | null;
}

type Codec = ReturnType<typeof temporalCodec>;
type Payload = Parameters<Codec['decode']>[0][number];

/** What Temporal keeps, for tools that have it from there: Temporal Web UI and the `temporal` program. */
export function payloadService(secrets: CodecSecrets | undefined) {
  const codec = secrets && temporalCodec(secrets);

  /** In order. What the codec leaves alone comes back as it came. */
  async function each(payloads: readonly JsonPayload[], way: 'encode' | 'decode'): Promise<JsonPayload[]> {
    if (!codec) throw new AppError('not_found', { detail: 'What Temporal keeps is not encrypted here.' });
    const outcomes = await Promise.all(
      payloads.map((payload, i) => turned((one) => codec[way](one), payload, i)),
    );
    const errors = outcomes.flatMap((outcome) => ('message' in outcome ? [outcome] : []));
    if (errors.length > 0) throw new AppError('validation_failed', { errors });
    return outcomes.flatMap((outcome) => ('payload' in outcome ? [outcome.payload] : []));
  }

  return {
    /** Throws `not_found` without a codec key, and `validation_failed` for what was encrypted with a key that is not here, or was changed. */
    decode: (payloads: readonly JsonPayload[]) => each(payloads, 'decode'),
    /** Throws `not_found` without a codec key. */
    encode: (payloads: readonly JsonPayload[]) => each(payloads, 'encode'),
  };
}

export type PayloadService = ReturnType<typeof payloadService>;

async function turned(
  turn: Codec['decode'],
  given: JsonPayload,
  index: number,
): Promise<{ payload: JsonPayload } | Problem> {
  const before = bytesOf(given);
  try {
    const [after] = await turn([before]);
    return { payload: after === before || !after ? given : jsonOf(after) };
  } catch (error) {
    if (!(error instanceof PayloadCodecError)) throw error;
    return { path: `/payloads/${index}`, message: error.message };
  }
}

function bytesOf({ metadata, data }: JsonPayload): Payload {
  const entries = Object.entries(metadata ?? {}).map(([name, text]) => [name, Buffer.from(text, 'base64')]);
  return {
    metadata: Object.fromEntries(entries) as Record<string, Buffer>,
    data: Buffer.from(data ?? '', 'base64'),
  };
}

function jsonOf({ metadata, data }: Payload): JsonPayload {
  const entries = Object.entries(metadata ?? {}).map(([name, bytes]) => [name, base64(bytes)]);
  return {
    metadata: Object.fromEntries(entries) as Record<string, string>,
    data: base64(data ?? new Uint8Array()),
  };
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
