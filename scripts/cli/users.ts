/**
 * `odradek users`: SCRAM credentials, set, listed and taken away through any broker. The password is salted
 * here and never leaves this process. What Kafka's `kafka-configs --entity-type users` does with
 * `SCRAM-SHA-512=[password=…]`.
 */
import { readFileSync } from 'node:fs';
import { ErrorCode } from '../../broker/errors.ts';
import { SCRAM_CODES } from '../../broker/handlers/shared/scram-codes.ts';
import { systemRandom } from '../../broker/platform/random.ts';
import { DescribeUserScramCredentials } from '../../broker/protocol/messages/50-describe-user-scram-credentials.ts';
import { AlterUserScramCredentials } from '../../broker/protocol/messages/51-alter-user-scram-credentials.ts';
import type { RequestInput } from '../../broker/protocol/schema.ts';
import { scramNonce } from '../../broker/security/sasl/scram-credential.ts';
import {
  MAX_SCRAM_ITERATIONS,
  MIN_SCRAM_ITERATIONS,
  SCRAM_MECHANISMS,
  type ScramMechanism,
  saltedPassword,
} from '../../broker/security/sasl/scram-formula.ts';
import { type AdminClient, adminClient, reasonOf } from './admin-client.ts';
import { type Arguments, type CommandSpec, oneAction, UsageError } from './arguments.ts';
import { clientOptions, jsonOption } from './bootstrap.ts';
import { print, printAll } from './output.ts';
import { tableLines } from './table.ts';

const CHANGES = ['add', 'delete'] as const;
const STANDARD_INPUT = '-';

export const usersCommand: CommandSpec = {
  name: 'users',
  summary: 'Lists, sets and deletes the SCRAM credentials of users.',
  options: [
    ...clientOptions,
    { name: 'list', help: 'who has a credential, of which mechanism, with how many iterations' },
    { name: 'add', help: 'set credentials; a password that was there before is replaced' },
    { name: 'delete', help: 'take credentials away' },
    { name: 'user', value: 'NAME', help: 'who', with: CHANGES },
    {
      name: 'mechanism',
      value: 'NAME',
      help: `${SCRAM_MECHANISMS.join(' or ')}; may be given twice (default: the second)`,
      repeats: true,
      with: CHANGES,
    },
    {
      name: 'iterations',
      value: 'N',
      help: `how dear guessing is made (default ${MIN_SCRAM_ITERATIONS})`,
      kind: 'integer',
      min: MIN_SCRAM_ITERATIONS,
      max: MAX_SCRAM_ITERATIONS,
      with: ['add'],
    },
    { name: 'password', value: 'TEXT', help: 'seen by all users of this machine', with: ['add'] },
    {
      name: 'password-file',
      value: 'FILE',
      help: `its first line is the password; ${STANDARD_INPUT}: standard input`,
      with: ['add'],
    },
    { ...jsonOption, with: ['list'] },
  ],
  run,
};

async function run(given: Arguments): Promise<number> {
  const action = oneAction(given, 'users', ['list', ...CHANGES]);
  const change = action === 'list' ? null : await changeOf(given, action);
  const admin = await adminClient(given);
  try {
    if (change === null) await list(admin, given.flag('json'));
    else await alter(admin, change);
    return 0;
  } finally {
    admin.close();
  }
}

type Change = RequestInput<typeof AlterUserScramCredentials>;

async function changeOf(given: Arguments, action: (typeof CHANGES)[number]): Promise<Change> {
  const name = given.needText('user');
  const mechanisms = mechanismsOf(given);
  if (action === 'delete') {
    return { deletions: mechanisms.map((one) => ({ name, mechanism: SCRAM_CODES[one] })), upsertions: [] };
  }
  const password = passwordOf(given);
  const iterations = given.integer('iterations') ?? MIN_SCRAM_ITERATIONS;
  const upsertions = await Promise.all(
    mechanisms.map(async (one) => {
      const salt = Buffer.from(scramNonce(systemRandom));
      const salted = await saltedPassword(one, password, salt, iterations);
      return { name, mechanism: SCRAM_CODES[one], iterations, salt, saltedPassword: salted };
    }),
  );
  return { deletions: [], upsertions };
}

function mechanismsOf(given: Arguments): readonly ScramMechanism[] {
  const names = given.all('mechanism');
  if (names.length === 0) return ['SCRAM-SHA-512'];
  return [...new Set(names)].map((name) => {
    const known = SCRAM_MECHANISMS.find((one) => one === name.toUpperCase());
    if (known !== undefined) return known;
    throw new UsageError(`--mechanism takes ${SCRAM_MECHANISMS.join(' or ')}, not '${name}'`);
  });
}

function passwordOf(given: Arguments): string {
  const file = given.text('password-file');
  const password = file === null ? given.text('password') : firstLineOf(file);
  if (password === null || password === '') {
    throw new UsageError('users --add takes --password or --password-file, and no empty password');
  }
  return password;
}

function firstLineOf(file: string): string {
  try {
    const text = readFileSync(file === STANDARD_INPUT ? 0 : file, 'utf8');
    return text.split(/\r?\n/, 1)[0] ?? '';
  } catch (error) {
    throw new UsageError(`--password-file ${file}: ${error instanceof Error ? error.message : error}`);
  }
}

async function alter(admin: AdminClient, change: Change): Promise<void> {
  const { results } = await admin.askController(
    AlterUserScramCredentials,
    change,
    (answer) => answer.results,
  );
  for (const result of results) {
    if (result.errorCode !== ErrorCode.NONE) throw new Error(`user ${result.user}: ${reasonOf(result)}`);
    await print(`Completed updating config for user ${result.user}.`);
  }
}

async function list(admin: AdminClient, json: boolean): Promise<void> {
  const answer = await admin.askAnyBroker(DescribeUserScramCredentials, { users: null });
  if (answer.errorCode !== ErrorCode.NONE) throw new Error(reasonOf(answer));
  const rows = answer.results.flatMap(({ user, credentialInfos }) =>
    credentialInfos.map(({ mechanism, iterations }) => ({ user, mechanism: nameOf(mechanism), iterations })),
  );
  if (json) await print(JSON.stringify(rows));
  else {
    const cells = rows.map(({ user, mechanism, iterations }) => [user, mechanism, iterations]);
    await printAll(tableLines(['USER', 'MECHANISM', 'ITERATIONS'], cells));
  }
}

function nameOf(code: number): string {
  return SCRAM_MECHANISMS.find((mechanism) => SCRAM_CODES[mechanism] === code) ?? String(code);
}
