/**
 * Paths of znodes: absolute, no empty or dot segments, no control or private-use characters.
 * Source: org.apache.zookeeper.common.PathUtils.validatePath.
 */

/** Control characters, surrogates with the private-use area behind them, and the specials block. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: a path must not hold them
const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f\ud800-\uf8ff\ufff0-\uffff]/;

/** True for a path that a node may have. */
export function isValidPath(path: string): boolean {
  if (path === '/') return true;
  if (!path.startsWith('/') || path.endsWith('/') || FORBIDDEN.test(path)) return false;
  if (!path.includes('//') && !path.includes('/.')) return true;
  return !path
    .slice(1)
    .split('/')
    .some((name) => name === '' || name === '.' || name === '..');
}

/** The path above; the root is its own parent. Also defined for invalid paths that hold a slash. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}

/** The last name of a path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The path of a child. */
export function childOf(parent: string, name: string): string {
  return parent === '/' ? `/${name}` : `${parent}/${name}`;
}
