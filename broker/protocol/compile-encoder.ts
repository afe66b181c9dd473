/**
 * Compiles a schema and a version into an encoder, in the manner of compile-decoder.ts. The encoder
 * fills in defaults and refuses what the version can't express: null where it is not allowed, and any
 * value but the default in a field that the version lacks and that is not ignorable.
 */
import {
  defaultExpression,
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

export type Encoder = (writer: Writer, value: unknown) => void;

/** An encoder of one message in one version; it throws a ProtocolError on what the version can't express. */
export function compileEncoder(fields: Schema, target: Target): Encoder {
  const source = new EncoderSource(target);
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
  return build(Buffer.alloc(0), Writer, lacks, isNull) as Encoder;
}

/** Kinds whose null must be caught before it reaches the Writer. */
const OBJECTS = new Set<FieldKind>(['string', 'uuid', 'bytes', 'records', 'array', 'struct']);

class EncoderSource {
  readonly #target: Target;
  readonly #functions: string[] = [];

  constructor(target: Target) {
    this.#target = target;
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
    return this.#add(lines.join('\n'));
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
        return `${this.#array(field)}(${writer}, ${value});`;
      case 'struct': {
        const write = `${this.struct(field.fields ?? {})}(${writer}, ${value});`;
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
    return this.#add(`if (v === null) { w.${count}(-1); return; }
w.${count}(v.length);
for (let i = 0; i < v.length; i++) { const item = v[i]; ${this.#write(element, 'item', 'w', false)} }`);
  }

  #add(body: string): string {
    const name = `write${this.#functions.length}`;
    this.#functions.push(`function ${name}(w, v) {\n${body}\n}`);
    return name;
  }
}
