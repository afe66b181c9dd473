/**
 * The messages of OAUTHBEARER: the client's one, with a token in it, and the JSON that tells it what is wrong
 * with that. A name, a scheme or an extension that breaks the grammar spoils the whole message.
 * Source: RFC 7628, section 3; OAuthBearerClientInitialResponse and OAuthBearerSaslServer of Kafka.
 */

interface BearerMessage {
  /** Empty: whoever the token is of. */
  readonly authorizationId: string;
  readonly token: string;
  readonly extensions: ReadonlyMap<string, string>;
}

const SEPARATOR = '\x01';
/** What a client answers to an error: it has understood, and the exchange may end. */
export const UNDERSTOOD = Buffer.from(SEPARATOR);
const TOKEN_KEY = 'auth';

/** What is no ASCII is no name; separators are none by then. */
const HEADER = /^n,(?:a=((?:[^=,\0\u0080-\u{10ffff}]|=2C|=3D)+))?,$/u;
const KEY = /^[A-Za-z]+$/;
const VALUE = /^[\x21-\x7e \t\r\n]+$/;
const BEARER = /^(\w+) +([-_.a-zA-Z0-9]+)$/;

/** Reads the client's message; a text is what is wrong with it, and holds nothing of it. */
export function parseBearerMessage(message: Buffer): BearerMessage | string {
  const parts = message.toString('utf8').split(SEPARATOR);
  const [first = '', ...pairs] = parts;
  const header = HEADER.exec(first);
  // Each pair ends with a separator, and so does the message.
  if (header === null || pairs.pop() !== '' || pairs.pop() !== '') return MALFORMED;
  const extensions = new Map<string, string>();
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const key = pair.slice(0, at);
    const value = pair.slice(at + 1);
    if (at < 1 || !KEY.test(key) || !VALUE.test(value)) return MALFORMED;
    extensions.set(key, value);
  }
  const shown = extensions.get(TOKEN_KEY);
  if (shown === undefined) return `${MALFORMED}: '${TOKEN_KEY}' not specified`;
  extensions.delete(TOKEN_KEY);
  const bearer = BEARER.exec(shown);
  if (bearer === null) return `${MALFORMED}: invalid '${TOKEN_KEY}' format`;
  const [, scheme = '', token = ''] = bearer;
  if (scheme.toLowerCase() !== 'bearer') return 'Invalid scheme in OAUTHBEARER client first message';
  return { authorizationId: header[1] ?? '', token, extensions };
}

const MALFORMED = 'Invalid OAUTHBEARER client first message';

/** What a client sends. Its extensions must keep to the grammar: {@link extensionProblem}. */
export function bearerMessage({ authorizationId, token, extensions }: BearerMessage): Buffer {
  const header = `n,${authorizationId === '' ? '' : `a=${authorizationId}`},`;
  const pairs = [...extensions].map(([key, value]) => `${key}=${value}`);
  return Buffer.from([header, `${TOKEN_KEY}=Bearer ${token}`, ...pairs, '', ''].join(SEPARATOR));
}

/** Why a client may not send such an extension; null when it may. */
export function extensionProblem(name: string, value: string): string | null {
  if (name === TOKEN_KEY || !KEY.test(name)) return `the extension's name ${name} is invalid`;
  return VALUE.test(value) ? null : `the value of extension ${name} is invalid`;
}

/** What a client is told whose token is no good. */
export function bearerError(status: string, scope: string | null): string {
  const more = scope === null ? '' : `, "scope":"${scope}"`;
  return `{"status":"${status}"${more}}`;
}
