/**
 * Compiles a schema and a version into a decoder: JavaScript source with one function per struct, in
 * which each field is one call of the Reader and each struct one object literal of constant shape.
 * That is several times faster than walking the schema, and these are the broker's hottest loops.
 * The source is made from our own declarations only, never from anything that came in.
 * For messages that would hold the event loop there is the same in steps: whatever has arrays is a generator.
 */
import {
  defaultExpression,
  ELEMENTS_PER_STEP,
  hasArray,
  isNullable,
  isPresent,
  isTagged,
  leastBytes,
  lengthPrefixed,
  orderedFields,
  type Target,
  taggedFields,
} from './field-facts.ts';
import type { Reader } from './reader.ts';
import type { Field, Schema } from './schema.ts';

type Decoder = (reader: Reader) => unknown;
/** Yields now and then. */
type SteppedDecoder = (reader: Reader) => Generator<undefined, unknown>;

/** A decoder of one message in one version. What it throws is a ProtocolError. */
export function compileDecoder(fields: Schema, target: Target): Decoder {
  return built(new DecoderSource(target), fields) as Decoder;
}

/** The same in steps; the message has an array. */
export function compileSteppedDecoder(fields: Schema, target: Target): SteppedDecoder {
  return built(new DecoderSource(target, true), fields) as SteppedDecoder;
}

function built(source: DecoderSource, fields: Schema): unknown {
  const root = source.struct(fields);
  const build = new Function('EMPTY', `'use strict';\n${source.text()}\nreturn ${root};`);
  return build(Buffer.alloc(0));
}

/** Counted over the whole message, as its arrays may all be short. */
const PAUSE = `if (++r.steps >= ${ELEMENTS_PER_STEP}) { r.steps = 0; yield; }`;

class DecoderSource {
  readonly #target: Target;
  readonly #inSteps: boolean;
  readonly #functions: string[] = [];

  constructor(target: Target, inSteps = false) {
    this.#target = target;
    this.#inSteps = inSteps;
  }

  text(): string {
    return this.#functions.join('\n');
  }

  /** Adds a function that reads a struct, returns its name. */
  struct(fields: Schema): string {
    const target = this.#target;
    const lines: string[] = [];
    const variables = new Map(Object.keys(fields).map((name, index) => [name, `f${index}`]));
    for (const [name, field] of Object.entries(fields)) {
      if (!isPresent(field, target) || isTagged(field)) {
        lines.push(`let ${variables.get(name)} = ${defaultExpression(field)};`);
      }
    }
    for (const [name, field] of orderedFields(fields, target)) {
      lines.push(`const ${variables.get(name)} = ${this.#value(field, false)};`);
    }
    if (target.flexible) lines.push(this.#tagSection(fields, variables));
    const members = [...variables].map(([name, variable]) => `${name}: ${variable}`);
    return this.#add(`${lines.join('\n')}\nreturn { ${members.join(', ')} };`, this.#steps(fields));
  }

  #tagSection(fields: Schema, variables: ReadonlyMap<string, string>): string {
    const tagged = taggedFields(fields, this.#target);
    if (tagged.length === 0) return 'r.skipTags();';
    const cases = tagged.map(([name, field, tag]) => {
      const read = `${variables.get(name)} = ${this.#value(field, true)};`;
      // The size that a known tag declares is read and not compared: Kafka does not look at it.
      return `case ${tag}: r.uvarint(); ${read} break;`;
    });
    return `for (let left = r.uvarint(); left > 0; left--) {
  switch (r.uvarint()) { ${cases.join('\n')} default: r.skipTag(); }
}`;
  }

  /** An expression that reads a value. */
  #value(field: Field<unknown>, tagged: boolean): string {
    switch (field.kind) {
      case 'string':
      case 'bytes':
      case 'records':
        return `r.${lengthPrefixed(field, this.#target)}()`;
      case 'array':
        return this.#call(this.#array(field), this.#inSteps);
      case 'struct': {
        const read = this.#call(this.struct(field.fields ?? {}), this.#steps(field.fields ?? {}));
        if (!isNullable(field, this.#target)) return read;
        return `(${tagged ? 'r.presentInTag()' : 'r.present()'} ? ${read} : null)`;
      }
      default:
        return `r.${field.kind}()`;
    }
  }

  #array(field: Field<unknown>): string {
    const target = this.#target;
    const { element } = field;
    if (element === undefined) throw new TypeError('an array needs an element');
    const compact = target.flexible ? 'compact' : '';
    const name = `${compact}${isNullable(field, target) ? 'Nullable' : ''}Count`;
    const method = name.charAt(0).toLowerCase() + name.slice(1);
    return this.#add(
      `const count = r.${method}(${Math.max(1, leastBytes(element, target))});
if (count < 0) return null;
const list = [];
for (let i = 0; i < count; i++) {
list.push(${this.#value(element, false)});
${this.#inSteps ? PAUSE : ''}
}
return list;`,
      this.#inSteps,
    );
  }

  /** Whether a struct of these fields is read in steps. */
  #steps(fields: Schema): boolean {
    return this.#inSteps && hasArray(fields, this.#target);
  }

  #call(name: string, inSteps: boolean): string {
    return inSteps ? `(yield* ${name}(r))` : `${name}(r)`;
  }

  #add(body: string, inSteps: boolean): string {
    const name = `read${this.#functions.length}`;
    this.#functions.push(`function${inSteps ? '*' : ''} ${name}(r) {\n${body}\n}`);
    return name;
  }
}
