/** Which paths a node may have, as ZooKeeper judges them, and how they are taken apart. */
import { describe, expect, it } from 'vitest';
import { childOf, isValidPath, nameOf, parentOf } from '../../../../coordinator-client/tree/path.ts';

describe('a path', () => {
  it.each(['/', '/a', '/a/b', '/a.b', '/a/..b', '/a/b..', '/...', '/a b', '/é', '/\u4e2d', '/a\u{ffef}'])(
    'may be %j',
    (path) => expect(isValidPath(path)).toBe(true),
  );

  it.each([
    ...['', 'a', 'a/b', '/a/', '//', '//a', '/a//b', '/.', '/..', '/a/.', '/a/../b', '/./a'],
    ...['/\u0000', '/a\u001f', '/\u007f', '/\u009f', '/\ud800', '/\uf8ff', '/\ufff0', '/\uffff'],
  ])('may not be %j', (path) => expect(isValidPath(path)).toBe(false));

  it('has a parent and a name, and is found again from them', () => {
    for (const [path, parent, name] of [
      ['/a', '/', 'a'],
      ['/a/b', '/a', 'b'],
      ['/a/b/c', '/a/b', 'c'],
    ] as const) {
      expect([parentOf(path), nameOf(path), childOf(parent, name)]).toEqual([parent, name, path]);
    }
    expect(parentOf('/')).toBe('/');
  });
});
