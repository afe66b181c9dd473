/**
 * Schemas by their ids, from a registry that speaks as Confluent's does. A schema never changes, so it is asked
 * for once; what the registry does not answer is asked for again after a while.
 * Source: Schema Registry API, GET /schemas/ids/{id}, GET /subjects/{subject}/versions/{version}.
 */
import { type AvroType, avroSchema, BadAvro, type NamedTypes } from './avro-schema.ts';

/** What an id stands for. */
type RegisteredSchema =
  | { readonly kind: 'avro'; readonly type: AvroType }
  /** JSON or PROTOBUF, or what will be. */
  | { readonly kind: 'other'; readonly name: string }
  | { readonly kind: 'unknown'; readonly reason: string };

interface Told {
  readonly schema?: string;
  readonly schemaType?: string;
  readonly references?: readonly { readonly subject: string; readonly version: number }[];
}

const MOST_KEPT = 256;
const MOST_BYTES = 2 * 1024 * 1024;
const MOST_REFERENCES = 32;
const TIMEOUT_MS = 3000;
const ASK_AGAIN_MS = 30_000;

export class SchemaRegistry {
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #nowMs: () => number;
  /** The one that was asked for longest ago first. */
  readonly #kept = new Map<
    number,
    { readonly schema: Promise<RegisteredSchema>; readonly askedMs: number }
  >();

  /** `url` may have user and password in it, which no message repeats. */
  constructor(url: URL, nowMs: () => number) {
    const { username, password } = url;
    this.#base = `${url.origin}${url.pathname.replace(/\/$/, '')}`;
    const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
    this.#headers = {
      accept: 'application/vnd.schemaregistry.v1+json',
      ...(username === '' ? {} : { authorization: `Basic ${login.toString('base64')}` }),
    };
    this.#nowMs = nowMs;
  }

  /** Never rejects. */
  async schema(id: number): Promise<RegisteredSchema> {
    const known = this.#kept.get(id);
    if (known !== undefined) {
      const schema = await known.schema;
      if (schema.kind !== 'unknown' || this.#nowMs() - known.askedMs < ASK_AGAIN_MS) return schema;
    }
    this.#kept.delete(id);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size < MOST_KEPT) break;
      this.#kept.delete(oldest);
    }
    const schema = this.#ask(id).catch(
      (error: unknown) => ({ kind: 'unknown', reason: reasonOf(error) }) as const,
    );
    this.#kept.set(id, { schema, askedMs: this.#nowMs() });
    return schema;
  }

  async #ask(id: number): Promise<RegisteredSchema> {
    const told = await this.#get(`/schemas/ids/${id}`);
    const { schemaType = 'AVRO' } = told;
    if (schemaType !== 'AVRO') return { kind: 'other', name: schemaType };
    const names: NamedTypes = new Map();
    await this.#refer(told, names, { left: MOST_REFERENCES });
    return { kind: 'avro', type: avroSchema(told.schema ?? '', names) };
  }

  /** Those that a schema refers to are read before it. */
  async #refer({ references = [] }: Told, names: NamedTypes, budget: { left: number }): Promise<void> {
    for (const { subject, version } of references) {
      budget.left -= 1;
      if (budget.left < 0) throw new BadAvro(`it refers to more than ${MOST_REFERENCES} others`);
      const told = await this.#get(
        `/subjects/${encodeURIComponent(subject)}/versions/${encodeURIComponent(version)}`,
      );
      await this.#refer(told, names, budget);
      avroSchema(told.schema ?? '', names);
    }
  }

  async #get(path: string): Promise<Told> {
    const response = await fetch(`${this.#base}${path}`, {
      headers: this.#headers,
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const body = await limited(response);
    if (!response.ok) throw new BadAvro(`the registry answers ${response.status}`);
    return JSON.parse(body) as Told;
  }
}

async function limited({ body }: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const part of body ?? []) {
    sizeBytes += part.length;
    if (sizeBytes > MOST_BYTES) throw new BadAvro(`the registry says more than ${MOST_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function reasonOf(error: unknown): string {
  if (error instanceof BadAvro) return error.message;
  return error instanceof SyntaxError ? 'the registry says no JSON' : 'the registry does not answer';
}
