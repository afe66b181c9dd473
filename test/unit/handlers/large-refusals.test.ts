/** What refuses a request says something of everything that it names: with very many things that takes turns. */
import { expect, it } from 'vitest';
import { ErrorCode } from '../../../broker/errors.ts';
import { HANDLERS } from '../../../broker/handlers/table.ts';
import { Turns } from '../../../broker/platform/turns.ts';
import { decodeRequest, encodeRequest } from '../../../broker/protocol/codec.ts';
import { arraysOf, requestOfMany } from '../../cluster/heavy-names.ts';
import { context, world } from './support.ts';

const MANY = 10_000;
const MOST_PER_TURN = 2000;

const cases = [...HANDLERS.values()].flatMap((handler) =>
  arraysOf(handler.api.request).map((path) => ({
    title: `${handler.api.name}: ${path.join('.')}`,
    handler,
    path,
  })),
);

/** The elements of the longest array in it. */
function longest(value: unknown): number {
  if (value === null || typeof value !== 'object' || Buffer.isBuffer(value)) return 0;
  const own = Array.isArray(value) ? value.length : 0;
  return Math.max(
    own,
    ...(own > 100 ? (value as unknown[]) : Object.values(value)).slice(0, 100).map(longest),
  );
}

it.each(cases)('$title', async ({ handler: { api, refuse }, path }) => {
  const { version, request } = requestOfMany(api, path, { most: MANY, nameBytes: 0 });
  const decoded = decodeRequest(api, version, Buffer.concat(encodeRequest(api, version, request as never)));
  let pieces = 0;
  const turns = new Turns(world.clock, (piece) => {
    pieces++;
    return piece();
  });
  const answer = await refuse(decoded, ErrorCode.UNKNOWN_SERVER_ERROR, context(version, { turns }));
  expect(pieces).toBeGreaterThanOrEqual(Math.floor(longest(answer) / MOST_PER_TURN));
});

it('most of them name what they refuse', async () => {
  const named = cases.map(async ({ handler: { api, refuse }, path }) => {
    const { version, request } = requestOfMany(api, path, { most: 300, nameBytes: 0 });
    const decoded = decodeRequest(api, version, Buffer.concat(encodeRequest(api, version, request as never)));
    return longest(await refuse(decoded, ErrorCode.UNKNOWN_SERVER_ERROR, context(version))) >= 100;
  });
  expect((await Promise.all(named)).filter((names) => names).length).toBeGreaterThan(30);
});
