/**
 * Reads a Java properties file, the form of every Kafka config file: `key=value`, `key: value` or
 * `key value`, comments with # and !, backslash escapes and continued lines.
 * Source: java.util.Properties.load.
 */

/** The properties of a file; of a key that comes twice the last value counts. */
export function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>();
  for (const line of logicalLines(text)) {
    const end = keyEnd(line);
    const value = line.slice(end).replace(/^[ \t\f]*[=:]?[ \t\f]*/, '');
    properties.set(unescaped(line.slice(0, end)), unescaped(value));
  }
  return properties;
}

/** Lines without comments and blank ones; a line that ends in an odd number of backslashes goes on in the next. */
function logicalLines(text: string): string[] {
  const lines: string[] = [];
  let held: string | null = null;
  for (const natural of text.split(/\r\n|\r|\n/)) {
    const line = natural.replace(/^[ \t\f]+/, '');
    if (held === null && (line === '' || line.startsWith('#') || line.startsWith('!'))) continue;
    const whole: string = (held ?? '') + line;
    const backslashes = /\\*$/.exec(line)?.[0].length ?? 0;
    if (backslashes % 2 === 1) {
      held = whole.slice(0, -1);
      continue;
    }
    held = null;
    lines.push(whole);
  }
  if (held !== null && held !== '') lines.push(held);
  return lines;
}

/** The key ends at the first separator that is not escaped. */
function keyEnd(line: string): number {
  for (let at = 0; at < line.length; at++) {
    const letter = line.charAt(at);
    if (letter === '\\') at++;
    else if ('=: \t\f'.includes(letter)) return at;
  }
  return line.length;
}

const ESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

function unescaped(text: string): string {
  return text.replace(/\\(u[0-9a-fA-F]{4}|[\s\S])/g, (_, letters: string) => {
    if (letters.length === 5) return String.fromCharCode(Number.parseInt(letters.slice(1), 16));
    return ESCAPES[letters] ?? letters;
  });
}
