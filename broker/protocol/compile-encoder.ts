/**
 * Compiles a schema and a version into an encoder, in the manner of compile-decoder.ts. The encoder
 * fills in defaults and refuses what the version can't express: null where it is not allowed, and any
 * value but the default in a field that the version lacks and that is not ignorable.
 */
import {
  defaultExpression,
  ELEMENTS_PER_STEP,
  hasArray,
  isDefaultExpression,
  isNullable,
  isPresent,
  lengthPrefixed,
  orderedFields,
  type Target,
  taggedFields,
} from './field-facts.ts';
import { ProtocolError } from './reader.ts';
import type { Field, FieldKind, Schema } from './schema.ts';
import { Writer } from './writer.ts';

type Encoder = (writer: Writer, value: unknown) => void;
/** Yields now and then. */
type SteppedEncoder = (writer: Writer, value: unknown) => Generator<undefined, void>;

/** An encoder of one message in one version; it throws a ProtocolError on what the version can't express. */
export function compileEncoder(fields: Schema, target: Target): Encoder {
  return built(new EncoderSource(target), fields, target) as Encoder;
}

/** The same in steps, for messages that would hold the event loop; the message has an array. */
export function compileSteppedEncoder(fields: Schema, target: Target): SteppedEncoder {
  return built(new EncoderSource(target, true), fields, target) as SteppedEncoder;
}

function built(source: EncoderSource, fields: Schema, target: Target): unknown {
  const root = source.struct(fields);
  const build = new Function(
    'EMPTY',
    'Writer',
    'lacks',
    'isNull',
    `'use strict';\n${source.text()}\nreturn ${root};`,
  );
  const lacks = (name: string): ProtocolError =>
    new ProtocolError(`version ${target.version} has no field for the value of ${name}`);
  const isNull = (name: string): ProtocolError =>
    new ProtocolError(`${name} can’t be null in version ${target.version}`);
  return build(Buffer.alloc(0), Writer, lacks, isNull);
}

/** Kinds whose null must be caught before it reaches the Writer. */
const OBJECTS = new Set<FieldKind>(['string', 'uuid', 'bytes', 'records', 'array', 'struct']);

/** Counted over the whole message, as its arrays may all be short. */
const PAUSE = `if (++w.steps >= ${ELEMENTS_PER_STEP}) { w.steps = 0; yield; }`;

class EncoderSource {
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

  /** Adds a function that writes a struct, returns its name. */
  struct(fields: Schema): string {
    const target = this.#target;
    const lines: string[] = [];
    for (const [name, field] of Object.entries(fields)) {
      if (isPresent(field, target) || field.options.ignorable === true) continue;
      const isDefault = isDefaultExpression(field, `v.${name}`);
      lines.push(`if (v.${name} !== undefined && !(${isDefault})) throw lacks('${name}');`);
    }
    orderedFields(fields, target).forEach(([name, field], index) => {
      const variable = `f${index}`;
      lines.push(`let ${variable} = v.${name};`);
      lines.push(`if (${variable} === undefined) ${variable} = ${defaultExpression(field)};`);
      lines.push(this.#notNull(field, variable, name));
      lines.push(this.#write(field, variable, 'w', false));
    });
    if (target.flexible) lines.push(this.#tagSection(fields));
    return this.#add(lines.join('\n'), this.#steps(fields));
  }

  #tagSection(fields: Schema): string {
    const tagged = taggedFields(fields, this.#target);
    if (tagged.length === 0) return 'w.uvarint(0);';
    const lines = ['let tags = 0;'];
    for (const [name, field, tag] of tagged) {
      const value = `v.${name}`;
      lines.push(`const has${tag} = ${value} !== undefined && !(${isDefaultExpression(field, value)});`);
      lines.push(`if (has${tag}) tags++;`);
    }
    lines.push('w.uvarint(tags);');
    for (const [name, field, tag] of tagged) {
      const value = `v.${name}`;
      const write = `${this.#notNull(field, value, name)} ${this.#write(field, value, 'inner', true)}`;
      lines.push(`if (has${tag}) { const inner = new Writer(); ${write} w.tagged(${tag}, inner); }`);
    }
    return lines.join('\n');
  }

  #notNull(field: Field<unknown>, value: string, name: string): string {
    if (!OBJECTS.has(field.kind) || isNullable(field, this.#target)) return '';
    return `if (${value} === null) throw isNull('${name}');`;
  }

  /** A statement that writes the value of an expression. */
  #write(field: Field<unknown>, value: string, writer: string, tagged: boolean): string {
    switch (field.kind) {
      case 'string':
      case 'bytes':
      case 'records':
        return `${writer}.${lengthPrefixed(field, this.#target)}(${value});`;
      case 'array':
        return this.#call(this.#array(field), this.#inSteps, writer, value);
      case 'struct': {
        const { fields = {} } = field;
        const write = this.#call(this.struct(fields), this.#steps(fields), writer, value);
        if (!isNullable(field, this.#target)) return write;
        const mark = (present: boolean): string =>
          tagged ? `${writer}.uvarint(${present ? 1 : 0});` : `${writer}.int8(${present ? 1 : -1});`;
        return `if (${value} === null) { ${mark(false)} } else { ${mark(true)} ${write} }`;
      }
      default:
        return `${writer}.${field.kind}(${value});`;
    }
  }

  #array(field: Field<unknown>): string {
    const { element } = field;
    if (element === undefined) throw new TypeError('an array needs an element');
    const count = this.#target.flexible ? 'compactCount' : 'count';
    return this.#add(
      `if (v === null) { w.${count}(-1); return; }
w.${count}(v.length);
for (let i = 0; i < v.length; i++) {
const item = v[i]; ${this.#write(element, 'item', 'w', false)}
${this.#inSteps ? PAUSE : ''}
}`,
      this.#inSteps,
    );
  }

  /** Whether a struct of these fields is written in steps. */
  #steps(fields: Schema): boolean {
    return this.#inSteps && hasArray(fields, this.#target);
  }

  #call(name: string, inSteps: boolean, writer: string, value: string): string {
    return `${inSteps ? 'yield* ' : ''}${name}(${writer}, ${value});`;
  }

  #add(body: string, inSteps: boolean): string {
    const name = `write${this.#functions.length}`;
    this.#functions.push(`function${inSteps ? '*' : ''} ${name}(w, v) {\n${body}\n}`);
    return name;
  }
}
