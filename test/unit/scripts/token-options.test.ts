/** What `odradek tokens` refuses before it asks any broker. */
import { describe, expect, it } from 'vitest';
import { parseCommand, UsageError } from '../../../scripts/cli/arguments.ts';
import { tokensCommand } from '../../../scripts/cli/tokens.ts';

const run = async (line: string): Promise<number> =>
  tokensCommand.run(parseCommand(tokensCommand, line.split(' ')));

describe('odradek tokens', () => {
  it.each([
    ['--create --describe', 'exactly one of --create, --renew, --expire, --describe'],
    ['--create', '--max-life-time-period is required'],
    ['--create --max-life-time-period -2', 'must be an integer at least -1'],
    ['--create --max-life-time-period 1 --renewer-principal bob', "as Type:name, not 'bob'"],
    [
      '--create --max-life-time-period 1 --owner-principal User:a --owner-principal User:b',
      '--create takes one --owner-principal',
    ],
    ['--renew --renew-time-period 1', '--hmac is required'],
    ['--renew --renew-time-period 1 --hmac not-base64!', '--hmac takes base64'],
    ['--renew --hmac YWJj', '--renew-time-period is required'],
    ['--expire --hmac YWJj', '--expiry-time-period is required'],
    ['--describe --hmac YWJj', '--hmac goes only with --renew, --expire'],
  ])('%s is refused', async (line, message) => {
    await expect(run(line)).rejects.toThrow(UsageError);
    await expect(run(line)).rejects.toThrow(message);
  });
});
