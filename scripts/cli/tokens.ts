/** `odradek tokens`: what Kafka's kafka-delegation-tokens does, with its flags. */
import { CreateDelegationToken } from '../../broker/protocol/messages/38-create-delegation-token.ts';
import { RenewDelegationToken } from '../../broker/protocol/messages/39-renew-delegation-token.ts';
import { ExpireDelegationToken } from '../../broker/protocol/messages/40-expire-delegation-token.ts';
import { DescribeDelegationToken } from '../../broker/protocol/messages/41-describe-delegation-token.ts';
import type { ResponseOf } from '../../broker/protocol/schema.ts';
import { type Principal, parsePrincipal, principalText } from '../../broker/security/principal.ts';
import { type AdminClient, type Answer, adminClient, reasonOf } from './admin-client.ts';
import { type Arguments, type CommandSpec, oneAction, UsageError } from './arguments.ts';
import { clientOptions, jsonOption } from './bootstrap.ts';
import { print } from './output.ts';

const LIFE = { kind: 'integer', min: -1 } as const;

export const tokensCommand: CommandSpec = {
  name: 'tokens',
  summary: 'Makes, renews, ends and shows delegation tokens.',
  options: [
    ...clientOptions,
    { name: 'create', help: 'make a token' },
    { name: 'renew', help: 'let a token live on' },
    { name: 'expire', help: 'shorten the life of a token, or end it' },
    { name: 'describe', help: 'the tokens that you own, renew, or may see otherwise' },
    {
      name: 'owner-principal',
      value: 'TYPE:NAME',
      repeats: true,
      with: ['create', 'describe'],
      help: 'whose token it is to be; whose tokens to show',
    },
    {
      name: 'renewer-principal',
      value: 'TYPE:NAME',
      repeats: true,
      with: ['create'],
      help: 'who may renew and end it, besides its owner',
    },
    {
      name: 'max-life-time-period',
      value: 'MS',
      ...LIFE,
      with: ['create'],
      help: '-1: as long as the brokers allow',
    },
    { name: 'hmac', value: 'BASE64', with: ['renew', 'expire'], help: 'the secret of the token' },
    { name: 'renew-time-period', value: 'MS', ...LIFE, with: ['renew'], help: '-1: as long as is usual' },
    { name: 'expiry-time-period', value: 'MS', ...LIFE, with: ['expire'], help: '-1: it ends at once' },
    jsonOption,
  ],
  notes: 'Brokers refuse it over connections without a name, and over those made by a token.',
  run,
};

async function run(given: Arguments): Promise<number> {
  const action = oneAction(given, 'tokens', ['create', 'renew', 'expire', 'describe']);
  const command = { create, renew, expire, describe }[action](given);
  const admin = await adminClient(given);
  try {
    await command(admin, given.flag('json'));
    return 0;
  } finally {
    admin.close();
  }
}

/** Reads the options at once, so that what is wrong with them is said before anybody is asked. */
type Command = (given: Arguments) => (admin: AdminClient, json: boolean) => Promise<void>;

type ShownToken = Pick<
  ResponseOf<typeof DescribeDelegationToken>['tokens'][number],
  Exclude<keyof ResponseOf<typeof DescribeDelegationToken>['tokens'][number], 'renewers'>
> & { readonly renewers: readonly { principalType: string; principalName: string }[] };

const create: Command = (given) => {
  const renewers = principalsOf(given, 'renewer-principal');
  const [owner, ...others] = principalsOf(given, 'owner-principal');
  if (others.length > 0) throw new UsageError('--create takes one --owner-principal');
  const maxLifetimeMs = given.needInteger('max-life-time-period');
  return async (admin, json) => {
    const named = renewers.map(({ type, name }) => ({ principalType: type, principalName: name }));
    const asked = `renewers :${listOf(renewers)} , max-life-time-period :${maxLifetimeMs}`;
    if (!json) await print(`Calling create token operation with ${asked}`);
    const ofAnother = owner && { ownerPrincipalType: owner.type, ownerPrincipalName: owner.name };
    const request = { renewers: named, maxLifetimeMs, ...ofAnother };
    const made = expectDone(await admin.askAnyBroker(CreateDelegationToken, request));
    const { issueTimestampMs, expiryTimestampMs, maxTimestampMs, ...token } = made;
    if (!json) await print(`Created delegation token with tokenId : ${token.tokenId}`);
    const times = {
      issueTimestamp: issueTimestampMs,
      expiryTimestamp: expiryTimestampMs,
      maxTimestamp: maxTimestampMs,
    };
    await show([{ ...token, ...times, renewers: named }], json);
  };
};

const describe: Command = (given) => {
  const owners = principalsOf(given, 'owner-principal');
  return async (admin, json) => {
    const whose = owners.length === 0 ? 'current user.' : `owners: ${listOf(owners)}`;
    if (!json) await print(`Calling describe token operation for ${whose}`);
    const named = owners.map(({ type, name }) => ({ principalType: type, principalName: name }));
    const request = { owners: named.length === 0 ? null : named };
    const { tokens } = expectDone(await admin.askAnyBroker(DescribeDelegationToken, request));
    if (!json) await print(`Total number of tokens : ${tokens.length}`);
    await show(tokens, json);
  };
};

const renew: Command = (given) => {
  const hmac = hmacOf(given);
  const renewPeriodMs = given.needInteger('renew-time-period');
  return async (admin, json) => {
    const asked = `hmac :${hmac.toString('base64')} , renew-time-period :${renewPeriodMs}`;
    if (!json) await print(`Calling renew token operation with ${asked}`);
    const answer = await admin.askAnyBroker(RenewDelegationToken, { hmac, renewPeriodMs });
    await showExpiry('renew', expectDone(answer).expiryTimestampMs, json);
  };
};

const expire: Command = (given) => {
  const hmac = hmacOf(given);
  const expiryTimePeriodMs = given.needInteger('expiry-time-period');
  return async (admin, json) => {
    const asked = `hmac :${hmac.toString('base64')} , expire-time-period :${expiryTimePeriodMs}`;
    if (!json) await print(`Calling expire token operation with ${asked}`);
    const answer = await admin.askAnyBroker(ExpireDelegationToken, { hmac, expiryTimePeriodMs });
    await showExpiry('expire', expectDone(answer).expiryTimestampMs, json);
  };
};

function principalsOf(given: Arguments, option: string): Principal[] {
  return given.all(option).map((text) => {
    const principal = parsePrincipal(text.trim());
    if (principal === null) throw new UsageError(`--${option} takes a principal as Type:name, not '${text}'`);
    return principal;
  });
}

function hmacOf(given: Arguments): Buffer {
  const text = given.needText('hmac');
  const hmac = Buffer.from(text, 'base64');
  if (hmac.length === 0 || hmac.toString('base64') !== text) throw new UsageError('--hmac takes base64');
  return hmac;
}

function expectDone<Response extends Answer>(answer: Response): Response {
  if (answer.errorCode !== 0) throw new Error(reasonOf(answer));
  return answer;
}

function listOf(principals: readonly Principal[]): string {
  return `[${principals.map(principalText).join(', ')}]`;
}

const COLUMNS = [15, 30, 15, 15, 25, 15, 15, 15];
const HEAD = ['TOKENID', 'HMAC', 'OWNER', 'REQUESTER', 'RENEWERS', 'ISSUEDATE', 'EXPIRYDATE', 'MAXDATE'];

async function show(tokens: readonly ShownToken[], json: boolean): Promise<void> {
  const rows = tokens.map((token) => [
    token.tokenId,
    token.hmac.toString('base64'),
    `${token.principalType}:${token.principalName}`,
    `${token.tokenRequesterPrincipalType}:${token.tokenRequesterPrincipalName}`,
    `[${token.renewers.map(({ principalType, principalName }) => `${principalType}:${principalName}`).join(', ')}]`,
    minuteOf(token.issueTimestamp),
    minuteOf(token.expiryTimestamp),
    minuteOf(token.maxTimestamp),
  ]);
  if (json) {
    await print(
      JSON.stringify(tokens.map(({ hmac, ...token }) => ({ ...token, hmac: hmac.toString('base64') }))),
    );
    return;
  }
  for (const row of [HEAD, ...rows]) {
    const cells = row.map((cell, column) => cell.padEnd(COLUMNS[column] ?? 0));
    await print(`\n${cells.join(' ')}`);
  }
}

async function showExpiry(what: string, expiryTimestampMs: number, json: boolean): Promise<void> {
  if (json) await print(JSON.stringify({ expiryTimestampMs }));
  else await print(`Completed ${what} operation. New expiry date : ${minuteOf(expiryTimestampMs)}`);
}

/** As Kafka's tool: the local time, to the minute. */
function minuteOf(wallMs: number): string {
  const local = new Date(wallMs - new Date(wallMs).getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}
