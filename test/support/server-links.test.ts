/** What a server of ZooKeeper says first when it elects, on its way through a proxy. */
import { expect, it } from 'vitest';
import { rewrittenGreeting } from './server-links.ts';

function greeting(version: bigint, address: string): Buffer {
  const head = Buffer.alloc(20);
  head.writeBigInt64BE(version, 0);
  head.writeBigInt64BE(2n, 8);
  head.writeInt32BE(address.length, 16);
  return Buffer.concat([head, Buffer.from(address)]);
}

const said = Buffer.concat([greeting(-65536n, '127.0.0.1:3888'), Buffer.from('a vote')]);

it('is passed on with the address of the proxy, and what follows it as it is', () => {
  const expected = Buffer.concat([greeting(-65536n, '127.0.0.1:40001'), Buffer.from('a vote')]);
  expect(rewrittenGreeting(said, 40_001)).toEqual(expected);
});

it('is waited for until it is whole, wherever it is torn', () => {
  const whole = said.length - 'a vote'.length;
  for (let size = 0; size < whole; size++) expect(rewrittenGreeting(said.subarray(0, size), 1)).toBeNull();
  expect(rewrittenGreeting(said.subarray(0, whole), 40_001)).toEqual(greeting(-65536n, '127.0.0.1:40001'));
});

it('is left alone in a form that is not known', () => {
  const other = greeting(-65535n, '127.0.0.1:3888|127.0.0.2:3888');
  expect(rewrittenGreeting(other, 40_001)).toEqual(other);
});
