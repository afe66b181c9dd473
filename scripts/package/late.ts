/**
 * Leaves modules of Node's that few starts need until they are used: what the bundle requires in such a
 * module's place reaches for it with each member that is asked of it. Loading all of them would be a
 * twentieth of a start.
 */
import { createRequire } from 'node:module';
import type { Plugin } from 'esbuild';

const load = createRequire(import.meta.url);

export function late(modules: readonly string[]): Plugin {
  return {
    name: 'late',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: new RegExp(`^(node:)?(${modules.join('|')})$`) }, ({ path, namespace }) => {
        const name = path.replace('node:', '');
        if (namespace === 'late') return { path: `node:${name}`, external: true };
        return { path: name, namespace: 'late' };
      });
      onLoad({ filter: /^/, namespace: 'late' }, ({ path }) => ({ contents: standInFor(path) }));
    },
  };
}

/** A function, as node:assert is one, and the members of the building Node's module. */
function standInFor(name: string): string {
  const real = `require('node:${name}')`;
  const getters = Object.keys(load(name)).map((member) => `get ${member}() { return ${real}.${member}; }`);
  return [
    `const members = { __proto__: null, ${getters.join(', ')} };`,
    `module.exports = (...args) => ${real}(...args);`,
    'Object.defineProperties(module.exports, Object.getOwnPropertyDescriptors(members));',
  ].join('\n');
}
