/**
 * Which paths ZooKeeper takes. Checked here, because a server answers a bad one late, and within a
 * transaction without saying which. Source: ZooKeeper's PathUtils.validatePath.
 */

/** A sequential create gets digits appended, so its path may end with a slash. */
export function isValidPath(path: string, sequential = false): boolean {
  const full = sequential ? `${path}1` : path;
  if (!full.startsWith('/')) return false;
  if (full === '/') return true;
  return full
    .slice(1)
    .split('/')
    .every((name) => name !== '' && name !== '.' && name !== '..' && !hasRefusedCharacter(name));
}

function hasRefusedCharacter(name: string): boolean {
  for (let at = 0; at < name.length; at++) {
    const unit = name.charCodeAt(at);
    if (unit < 0x20 || (unit >= 0x7f && unit <= 0x9f)) return true; // control characters
    if (unit >= 0xd800 && unit <= 0xf8ff) return true; // surrogates and private use
    if (unit >= 0xfff0) return true; // specials
  }
  return false;
}

/** Every ancestor and the path itself, top first: `/a/b` gives `/a`, `/a/b`. */
export function pathPrefixes(path: string): readonly string[] {
  const names = path.split('/').filter((name) => name !== '');
  return names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`);
}
