/** Who is logged in to the console, and for how long; and what the cluster lets somebody see. */
import { describe, expect, it } from 'vitest';
import { ClusterRights } from '../../../scripts/console/cluster-rights.ts';
import { Sessions } from '../../../scripts/console/sessions.ts';

function world() {
  const clock = { nowMs: 0 };
  const ended: string[] = [];
  let made = 0;
  const sessions = new Sessions<{ readonly name: string; close(): void }>({
    most: 2,
    idleMs: 10,
    lifetimeMs: 100,
    nowMs: () => clock.nowMs,
    newId: () => `id${++made}`,
  });
  const enter = (name: string): string => sessions.add({ name, close: () => void ended.push(name) });
  return { clock, ended, sessions, enter };
}

describe('sessions', () => {
  it('are found by their id, and by no other', () => {
    const { sessions, enter } = world();
    const id = enter('a');
    expect(sessions.find(id)?.name).toBe('a');
    expect(sessions.find('id2')).toBeNull();
    expect(sessions.find('')).toBeNull();
  });

  it('end when nothing is asked for a while, and asking keeps them', () => {
    const { clock, ended, sessions, enter } = world();
    const [a, b] = [enter('a'), enter('b')];
    clock.nowMs = 8;
    sessions.find(a);
    clock.nowMs = 11;
    expect(sessions.find(b)).toBeNull();
    expect(sessions.find(a)?.name).toBe('a');
    expect(ended).toEqual(['b']);
  });

  it('end at last, however much is asked', () => {
    const { clock, ended, sessions, enter } = world();
    const id = enter('a');
    for (; clock.nowMs <= 100; clock.nowMs += 5) expect(sessions.find(id)).not.toBeNull();
    expect(sessions.find(id)).toBeNull();
    expect(ended).toEqual(['a']);
  });

  it('are so many at most, and the one that was silent longest makes room', () => {
    const { clock, ended, sessions, enter } = world();
    const a = enter('a');
    enter('b');
    clock.nowMs = 1;
    sessions.find(a);
    enter('c');
    expect(sessions.size).toBe(2);
    expect(ended).toEqual(['b']);
  });

  it('end when they are ended, once', () => {
    const { ended, sessions, enter } = world();
    const id = enter('a');
    sessions.end(id);
    sessions.end(id);
    sessions.endAll();
    expect(ended).toEqual(['a']);
  });
});

const DESCRIBE_BIT = 1 << 8;

describe('rights on the cluster', () => {
  function rightsOf(answers: readonly (number | null)[]) {
    const clock = { nowMs: 0 };
    const left = [...answers];
    const askAnyBroker = () => {
      const clusterAuthorizedOperations = left.shift() ?? null;
      return clusterAuthorizedOperations === null
        ? Promise.reject(new Error('no broker answers'))
        : Promise.resolve({ clusterAuthorizedOperations });
    };
    const admin = { askAnyBroker } as unknown as ConstructorParameters<typeof ClusterRights>[0];
    return { clock, left, rights: new ClusterRights(admin, () => clock.nowMs) };
  }

  it('are those that the cluster names', async () => {
    const { rights } = rightsOf([DESCRIBE_BIT]);
    expect(await rights.may('DESCRIBE')).toBe(true);
    expect(await rights.may('ALTER')).toBe(false);
    await expect(rights.need('ALTER')).rejects.toThrow('this takes ALTER on the cluster');
  });

  it('are none while nobody has answered, or the answer has none', async () => {
    expect(await rightsOf([null]).rights.may('DESCRIBE')).toBe(false);
    // Metadata's word for "not told".
    expect(await rightsOf([-2147483648]).rights.may('DESCRIBE')).toBe(false);
  });

  it('are asked for again when they are old, and stay while nobody answers', async () => {
    const { clock, left, rights } = rightsOf([DESCRIBE_BIT, null, 0]);
    await rights.may('DESCRIBE');
    clock.nowMs = 1999;
    await rights.may('DESCRIBE');
    expect(left).toHaveLength(2);
    clock.nowMs = 2000;
    expect(await rights.may('DESCRIBE')).toBe(true);
    expect(await rights.may('DESCRIBE')).toBe(false);
  });
});
