/** Lines that strangers cause: a few of each period, and how many were left out. */
import { expect, it } from 'vitest';
import { SeldomLines } from '../../../broker/platform/seldom-lines.ts';
import { World } from '../../support/world.ts';

it('says some lines of each period, and of the others only how many they were', async () => {
  const { clock } = new World();
  const said: string[] = [];
  const lines = new SeldomLines({
    clock,
    say: (line) => said.push(line),
    about: 'failed logins',
    mostLines: 2,
    periodMs: 10_000,
  });
  for (let index = 1; index <= 5; index += 1) lines.say(`line ${index}`);
  await clock.runFor(10_000);
  lines.say('line 6');
  await clock.runFor(10_000);
  expect(said).toEqual(['line 1', 'line 2', '3 more failed logins in the last 10 s', 'line 6']);
});
