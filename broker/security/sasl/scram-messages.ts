/**
 * The four messages of SCRAM as texts. Patterns, and what they leave out, are Kafka's: no channel binding
 * (`n,`), attributes in ASCII. A name's comma and equals sign travel as =2C and =3D.
 * Source: RFC 5802, section 7; org.apache.kafka.common.security.scram.internals.ScramMessages.
 */

export interface ClientFirst {
  /** As it enters what both ends sign: without the binding header. */
  readonly bare: string;
  readonly authorizationId: string;
  readonly user: string;
  readonly nonce: string;
  readonly extensions: ReadonlyMap<string, string>;
}

interface ServerFirst {
  readonly text: string;
  readonly nonce: string;
  readonly salt: Buffer;
  readonly iterations: number;
}

interface ClientFinal {
  readonly withoutProof: string;
  readonly nonce: string;
  readonly proof: Buffer;
}

/** The binding header `n,,` in base64: nothing is bound. */
const NO_BINDING = 'c=biws';

const SASL_NAME = '(?:[\\x01-\\x2b\\x2d-\\x3c\\x3e-\\x7f]|=2C|=3D)+';
const VALUE = '[\\x01-\\x2b\\x2d-\\x7f]+';
const NONCE = '[\\x21-\\x2b\\x2d-\\x7e]+';
const BASE64 = '(?:[a-zA-Z0-9/+]{4})*(?:[a-zA-Z0-9/+]{3}=|[a-zA-Z0-9/+]{2}==)?';
const RESERVED = `(?:m=${VALUE},)?`;
const EXTENSIONS = `(?:,[A-Za-z]+=${VALUE})*`;

const CLIENT_FIRST = new RegExp(
  `^n,(?:a=(?<authorizationId>${SASL_NAME}))?,(?<bare>${RESERVED}n=(?<user>${SASL_NAME}),r=(?<nonce>${NONCE})(?<extensions>${EXTENSIONS}))$`,
);
const SERVER_FIRST = new RegExp(
  `^${RESERVED}r=(?<nonce>${NONCE}),s=(?<salt>${BASE64}),i=(?<iterations>[0-9]{1,9})${EXTENSIONS}$`,
);
const CLIENT_FINAL = new RegExp(
  `^(?<withoutProof>c=${BASE64},r=(?<nonce>${NONCE})${EXTENSIONS}),p=(?<proof>${BASE64})$`,
);
const SERVER_FINAL = new RegExp(`^(?:e=(?<error>[^,=]+)|v=(?<signature>${BASE64}))${EXTENSIONS}$`);

/** null: it is none. */
export function parseClientFirst(token: Buffer): ClientFirst | null {
  const groups = CLIENT_FIRST.exec(token.toString('utf8'))?.groups;
  if (groups === undefined) return null;
  return {
    bare: groups['bare'] ?? '',
    authorizationId: unescaped(groups['authorizationId'] ?? ''),
    user: unescaped(groups['user'] ?? ''),
    nonce: groups['nonce'] ?? '',
    extensions: parseExtensions(groups['extensions'] ?? ''),
  };
}

/** `extensions`: `tokenauth` and the like. */
export function clientFirst(
  user: string,
  nonce: string,
  extensions: ReadonlyMap<string, string> = new Map(),
): { readonly text: string; readonly bare: string } {
  const more = [...extensions].map(([key, value]) => `,${key}=${value}`).join('');
  const bare = `n=${escaped(user)},r=${nonce}${more}`;
  return { text: `n,,${bare}`, bare };
}

export function serverFirst(nonce: string, salt: Buffer, iterations: number): string {
  return `r=${nonce},s=${salt.toString('base64')},i=${iterations}`;
}

/** null: it is none. */
export function parseServerFirst(token: Buffer): ServerFirst | null {
  const text = token.toString('utf8');
  const groups = SERVER_FIRST.exec(text)?.groups;
  if (groups === undefined) return null;
  return {
    text,
    nonce: groups['nonce'] ?? '',
    salt: Buffer.from(groups['salt'] ?? '', 'base64'),
    iterations: Number(groups['iterations']),
  };
}

/** What the client says last, but for the proof, which is made of it. */
export function clientFinalWithoutProof(nonce: string): string {
  return `${NO_BINDING},r=${nonce}`;
}

/** null: it is none. */
export function parseClientFinal(token: Buffer): ClientFinal | null {
  const groups = CLIENT_FINAL.exec(token.toString('utf8'))?.groups;
  if (groups === undefined) return null;
  return {
    withoutProof: groups['withoutProof'] ?? '',
    nonce: groups['nonce'] ?? '',
    proof: Buffer.from(groups['proof'] ?? '', 'base64'),
  };
}

/** What the server says last: its signature, or an error. null: it is neither. */
export function parseServerFinal(token: Buffer): { readonly signature: Buffer } | { error: string } | null {
  const groups = SERVER_FINAL.exec(token.toString('utf8'))?.groups;
  if (groups === undefined) return null;
  const { error, signature } = groups;
  return error === undefined ? { signature: Buffer.from(signature ?? '', 'base64') } : { error };
}

/** What both ends sign. */
export function authMessage(bare: string, serverFirstText: string, withoutProof: string): string {
  return `${bare},${serverFirstText},${withoutProof}`;
}

function escaped(name: string): string {
  return name.replaceAll('=', '=3D').replaceAll(',', '=2C');
}

function unescaped(name: string): string {
  return name.replaceAll('=2C', ',').replaceAll('=3D', '=');
}

function parseExtensions(text: string): ReadonlyMap<string, string> {
  const pairs = text.split(',').filter((pair) => pair !== '');
  return new Map(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
}
