/**
 * Of the declarations that the compiler has made, file by file, those that users get to: each exported one of
 * the public entries, and whatever it names, to the end. The rest of each file is left out, and files of which
 * nothing is left. It goes by the compiler's own layout: declarations stand at the beginning of a line.
 */
import { dirname, normalize } from 'node:path';

/** Text of a declaration file by its path. */
type ReadDeclarations = (file: string) => string;

interface Declaration {
  readonly text: string;
}

/** Where a name of a file comes from. */
interface Import {
  readonly from: string;
  /** There; `*` for all of the module. */
  readonly name: string;
}

interface DeclarationFile {
  /** In their order, without imports. */
  readonly declarations: readonly Declaration[];
  readonly byName: ReadonlyMap<string, readonly Declaration[]>;
  readonly imports: ReadonlyMap<string, Import>;
  readonly kept: Set<Declaration>;
  readonly used: Set<string>;
}

const COMMENT = String.raw`\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n`;
const BEGINNING = new RegExp(
  `^(?:${COMMENT})*(?:export|import|declare|interface|type|abstract|class|function|const)\\b`,
  'gm',
);
const COMMENTS = /\/\*[\s\S]*?\*\//g;
const NAME =
  /^(?:export )?(?:default )?(?:declare )?(?:abstract )?(?:interface|type|class|function|const) ([\w$]+)/;
const IDENTIFIER = /[A-Za-z_$][\w$]*/g;
const IMPORTED = /^import (?:type )?(?:\{([^}]*)\}|\* as ([\w$]+)|([\w$]+)) from ['"]([^'"]+)['"]/;
const RE_EXPORTED = /^export (?:type )?\{([^}]*)\} from ['"]([^'"]+)['"]/;
const IN_PLACE = /\bimport\(['"]([^'"]+)['"]\)\.([\w$]+)/g;

/**
 * The files that are left, without what nobody gets to. `sealed` are names of which users are told that they
 * exist, and no more.
 */
export function prunedDeclarations(
  read: ReadDeclarations,
  entries: readonly string[],
  sealed: ReadonlySet<string> = new Set(),
): Map<string, string> {
  const pruning = new Pruning(read, sealed);
  for (const entry of entries) pruning.keepExports(entry);
  pruning.keepAllThatIsNamed();
  return pruning.left();
}

class Pruning {
  readonly #read: ReadDeclarations;
  readonly #sealed: ReadonlySet<string>;
  readonly #files = new Map<string, DeclarationFile>();
  /** Kept, and not looked through yet. */
  readonly #waiting: { readonly file: string; readonly declaration: Declaration }[] = [];

  constructor(read: ReadDeclarations, sealed: ReadonlySet<string>) {
    this.#read = read;
    this.#sealed = sealed;
  }

  keepExports(file: string): void {
    for (const declaration of this.#fileAt(file).declarations)
      if (/^export\b/m.test(declaration.text)) this.#keep(file, declaration);
  }

  keepAllThatIsNamed(): void {
    for (let next = this.#waiting.pop(); next !== undefined; next = this.#waiting.pop()) {
      const { file } = next;
      const text = next.declaration.text.replaceAll(COMMENTS, '').trimStart();
      const isReExport = RE_EXPORTED.test(text);
      const placed = [...text.matchAll(IN_PLACE)].map(([, from = '', name = '']) => ({ from, name }));
      for (const named of isReExport ? reExportsOf(text) : placed) this.#wantImported(file, named);
      if (!isReExport) for (const [name] of text.matchAll(IDENTIFIER)) this.#want(file, name);
    }
  }

  left(): Map<string, string> {
    const left = [...this.#files].filter(([, { kept }]) => kept.size > 0);
    return new Map(left.map(([file, parts]) => [file, textOf(parts)]));
  }

  #fileAt(file: string): DeclarationFile {
    const known = this.#files.get(file) ?? parsed(this.#read(file), this.#sealed);
    this.#files.set(file, known);
    return known;
  }

  #keep(file: string, declaration: Declaration): void {
    const { kept } = this.#fileAt(file);
    if (kept.has(declaration)) return;
    kept.add(declaration);
    this.#waiting.push({ file, declaration });
  }

  /** A name in a file: of its own, or imported, or just a word. */
  #want(file: string, name: string): void {
    const { byName, imports, used } = this.#fileAt(file);
    for (const declaration of byName.get(name) ?? []) this.#keep(file, declaration);
    const imported = imports.get(name);
    if (imported === undefined) return;
    used.add(name);
    this.#wantImported(file, imported);
  }

  #wantImported(file: string, { from, name }: Import): void {
    if (!from.startsWith('.')) return;
    const target = declarationFileOf(normalize(`${dirname(file)}/${from}`));
    const { byName } = this.#fileAt(target);
    if (name !== '*' && !byName.has(name)) throw new Error(`${target} declares no ${name}`);
    for (const each of name === '*' ? byName.keys() : [name]) this.#want(target, each);
  }
}

/** `x.d.ts`, of a source or of what is compiled of it. */
export function declarationFileOf(source: string): string {
  return source.replace(/\.[tj]s$/, '.d.ts');
}

function parsed(text: string, sealed: ReadonlySet<string>): DeclarationFile {
  const beginnings = [...text.matchAll(BEGINNING)].map(({ index }) => index);
  const declarations: Declaration[] = [];
  const byName = new Map<string, Declaration[]>();
  const imports = new Map<string, Import>();
  for (const [index, beginning] of beginnings.entries()) {
    const whole = text.slice(beginning, beginnings[index + 1]);
    const plain = whole.replaceAll(COMMENTS, '').trimStart();
    const [, name] = NAME.exec(plain) ?? [];
    const isSealed = name !== undefined && sealed.has(name);
    if (/^import\b/.test(plain)) {
      for (const [local, from] of importsOf(plain)) imports.set(local, from);
      continue;
    }
    const declaration = { text: isSealed ? `export type ${name} = unknown;\n` : whole };
    declarations.push(declaration);
    for (const each of namesOf(plain)) byName.set(each, [...(byName.get(each) ?? []), declaration]);
  }
  return { declarations, byName, imports, kept: new Set(), used: new Set() };
}

/** By what names others, and its own file, know a declaration. */
function namesOf(text: string): string[] {
  const [, name] = NAME.exec(text) ?? [];
  const outer = listed(RE_EXPORTED.exec(text)?.[1] ?? '').map(([, local]) => local);
  return [
    ...(name === undefined ? [] : [name]),
    ...(/^export default\b/.test(text) ? ['default'] : []),
    ...outer,
  ];
}

function importsOf(text: string): [string, Import][] {
  const [, list, all, one, from = ''] = IMPORTED.exec(text) ?? [];
  if (list !== undefined) return listed(list).map(([name, local]) => [local, { from, name }]);
  if (all !== undefined) return [[all, { from, name: '*' }]];
  return one === undefined ? [] : [[one, { from, name: 'default' }]];
}

function reExportsOf(text: string): Import[] {
  const [, list = '', from = ''] = RE_EXPORTED.exec(text) ?? [];
  return listed(list).map(([name]) => ({ from, name }));
}

/** Of `A, type B, C as D`: what each is called there, and here. */
function listed(list: string): [string, string][] {
  return list
    .split(',')
    .map((word) => word.trim().replace(/^type /, ''))
    .filter((word) => word !== '')
    .map((word) => {
      const [name = '', local = name] = word.split(' as ');
      return [name, local];
    });
}

/** What is kept, in its order, after the imports that it needs. */
function textOf({ declarations, imports, kept, used }: DeclarationFile): string {
  const byModule = Map.groupBy(used, (local) => imports.get(local)?.from ?? '');
  const lines = [...byModule].flatMap(([from, locals]) => importLines(from, locals, imports));
  const body = declarations.filter((each) => kept.has(each)).map(({ text }) => text);
  return [...lines, ...body].join('').replaceAll(/((?:from |\bimport\()['"]\.[^'"]*)\.ts(['"])/g, '$1.js$2');
}

function importLines(
  from: string,
  locals: readonly string[],
  imports: ReadonlyMap<string, Import>,
): string[] {
  const named: string[] = [];
  const lines: string[] = [];
  for (const local of locals) {
    const name = imports.get(local)?.name;
    if (name === '*') lines.push(`import * as ${local} from '${from}';\n`);
    else if (name === 'default') lines.push(`import ${local} from '${from}';\n`);
    else named.push(name === local ? local : `${name} as ${local}`);
  }
  if (named.length > 0) lines.push(`import { ${named.join(', ')} } from '${from}';\n`);
  return lines;
}
