/** The licences of the packages that are inside the bundle, as they ask for wherever they are passed on. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What is said by the Apache License between its name and the end of its terms; the package has it as its own. */
const APACHE_TERMS =
  /^[^\S\n]*Apache License\s+Version 2\.0, January 2004[\s\S]*?END OF TERMS AND CONDITIONS/m;
const PACKAGE = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//;

/** `inputs`: the files that went into the bundle. Throws for a package that comes without a licence. */
export function noticesOf(root: string, inputs: readonly string[]): string {
  const names = new Set(inputs.map((input) => PACKAGE.exec(input)?.[1]).filter((name) => name !== undefined));
  return [...names]
    .sort()
    .map((name) => noticeOf(root, name))
    .join(`\n${'-'.repeat(80)}\n\n`);
}

function noticeOf(root: string, name: string): string {
  const directory = join(root, 'node_modules', name);
  const { version, license } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  const file = readdirSync(directory).find((each) => /^licen[cs]e/i.test(each));
  if (file === undefined && license === undefined) throw new Error(`${name} says nothing of its licence`);
  const text =
    file === undefined ? `Licence: ${license}` : readFileSync(join(directory, file), 'utf8').trim();
  return `${name} ${version}\n\n${text.replace(APACHE_TERMS, 'Apache License, Version 2.0, January 2004: its terms are in the file LICENSE of this package.')}\n`;
}
