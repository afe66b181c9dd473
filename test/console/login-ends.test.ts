/**
 * Logins that end while somebody looks, or while his computer sleeps: sessions that the cluster limits, users that
 * are taken away, tokens that expire. The page asks again or says what happened; nothing old is shown as if it were new.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemRandom } from '../../broker/platform/random.ts';
import { AlterUserScramCredentials } from '../../broker/protocol/messages/51-alter-user-scram-credentials.ts';
import { plainClient } from '../../broker/security/sasl/plain.ts';
import { scramNonce } from '../../broker/security/sasl/scram-credential.ts';
import { saltedPassword } from '../../broker/security/sasl/scram-formula.ts';
import { AdminClient } from '../../scripts/cli/admin-client.ts';
import { PLAINTEXT } from '../../scripts/cli/client-security.ts';
import { skipped } from '../interop/interop-cluster.ts';
import {
  BEARER_MODULE,
  PLAIN_MODULE,
  SCRAM_MODULE,
  type SecureBroker,
  startSecureBroker,
} from '../interop/secure-broker.ts';
import { eventually, pause } from '../support/eventually.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { unsecuredToken } from '../unit/security/unsecured-tokens.ts';
import { browserPath, openBrowser } from './browser.ts';
import { type ConsoleProcess, cookieOf, logIn, startConsole } from './console-process.ts';

const OAUTH = 'org.apache.kafka.common.security.oauthbearer';
const MECHANISM = 'SCRAM-SHA-256';
/**
 * A connection is good for so long, then its client has to say again who it is: it does when it has about a seventh of
 * it left, which is time enough on a busy machine.
 */
const SESSION_MS = 10_000;
const HOUR_MS = 60 * 60 * 1000;

describe('a login that the cluster ends', () => {
  let broker: SecureBroker;
  const consoles: ConsoleProcess[] = [];

  beforeAll(async () => {
    broker = await startSecureBroker({
      'authorizer.class.name': 'kafka.security.authorizer.AclAuthorizer',
      'super.users': 'User:ANONYMOUS;User:console;User:alice;User:bob',
      'connections.max.reauth.ms': String(SESSION_MS),
      'listener.name.sasl_plaintext.plain.sasl.jaas.config': `${PLAIN_MODULE} required user_alice="secret";`,
    });
  });
  afterEach(async () => {
    await Promise.all(consoles.splice(0).map((each) => each.end()));
  });
  afterAll(() => broker?.close());

  async function setUser(name: string, password: string | null): Promise<void> {
    const admin = new AdminClient(broker.at('PLAINTEXT'));
    const salt = Buffer.from(scramNonce(systemRandom));
    const user = { name, mechanism: 1 };
    const request =
      password === null
        ? { deletions: [user], upsertions: [] }
        : {
            deletions: [],
            upsertions: [
              {
                ...user,
                iterations: 4096,
                salt,
                saltedPassword: await saltedPassword(MECHANISM, password, salt, 4096),
              },
            ],
          };
    const { results } = await admin.askController(AlterUserScramCredentials, request, (each) => each.results);
    expect(results.map(({ errorCode }) => errorCode)).toEqual([0]);
    admin.close();
  }

  /** Its address. */
  async function consoleOf(lines: Readonly<Record<string, string>>): Promise<string> {
    const started = await startConsole(broker, 'SASL_PLAINTEXT', lines);
    consoles.push(started);
    return started.url;
  }

  const scramConsole = (): Promise<string> =>
    consoleOf({
      'sasl.mechanism': MECHANISM,
      'sasl.jaas.config': `${SCRAM_MODULE} required username="console" password="of-console";`,
    });

  /** The cookie of a browser that is in. */
  async function inAs(url: string, user: string): Promise<string> {
    const answer = await logIn(url, user, `of-${user}`);
    expect(answer).toMatchObject({ status: 200, body: '{}' });
    return cookieOf(answer);
  }

  it('is made again in time by the client of the commands, and nobody notices', async () => {
    const security = { ...PLAINTEXT, sasl: plainClient('alice', 'secret') };
    const admin = new AdminClient(broker.at('SASL_PLAINTEXT'), 'test', { patienceMs: 0 }, security);
    const untilMs = performance.now() + 2.5 * SESSION_MS;
    const problems: unknown[] = [];
    let asked = 0;
    while (performance.now() < untilMs) {
      // Several at once, as a console asks.
      const answers = await Promise.allSettled([
        admin.metadata(null),
        admin.metadata([]),
        admin.metadata([]),
      ]);
      asked += answers.length;
      problems.push(...answers.flatMap((each) => (each.status === 'rejected' ? [each.reason] : [])));
      await pause(20);
    }
    admin.close();
    expect(asked).toBeGreaterThan(10);
    expect(problems).toEqual([]);
  });

  it('ends the session of the browser when it is not taken any more, with the reason', async () => {
    await setUser('console', 'of-console');
    await setUser('alice', 'of-alice');
    const url = await scramConsole();
    const cookie = await inAs(url, 'alice');
    const session = async () => (await fetch(`${url}api/session`, { headers: { cookie } })).json();
    expect(await session()).toEqual({ asksForLogin: true, isIn: true, user: 'alice', ended: null });
    const stream = fetch(`${url}api/stream`, { headers: { cookie } }).then((answer) => answer.text());
    await setUser('alice', null);
    await stream;
    expect(await session()).toEqual({
      asksForLogin: true,
      isIn: false,
      user: null,
      ended: expect.stringMatching(
        /^the cluster does not take this login of alice any more: .*Authentication failed/,
      ),
    });
    expect((await fetch(`${url}api/picture`, { headers: { cookie } })).status).toBe(401);
    const unknown = { cookie: cookie.replace(/=.*/, `=${'A'.repeat(43)}`) };
    const other = await (await fetch(`${url}api/session`, { headers: unknown })).json();
    expect(other).toMatchObject({ isIn: false, ended: 'this login has ended' });
  });

  it('is told of when it is the console’s own, to those who would see journals by it', async () => {
    await setUser('console', 'of-console');
    await setUser('bob', 'of-bob');
    const url = await scramConsole();
    const cookie = await inAs(url, 'bob');
    const told = await streamOf(url, cookie);
    await setUser('console', null);
    await eventually('it is told', () => told().includes("the console's own login is not taken any more"));
    const before = told().length;
    await setUser('console', 'of-console');
    await eventually('it is over', () => told().slice(before).includes('data: {"trouble":null}'));
  });

  it('is one by a token that ends: that is said, and over with the next token', async () => {
    const file = join(broker.directory, 'token');
    const write = (lifetimeSeconds: number): void => {
      const nowSeconds = Date.now() / 1000;
      const claims = { sub: 'console', iat: nowSeconds, exp: nowSeconds + lifetimeSeconds };
      writeFileSync(file, unsecuredToken(claims));
    };
    write(3600);
    const url = await consoleOf({
      'sasl.mechanism': 'OAUTHBEARER',
      'sasl.login.callback.handler.class': `${OAUTH}.OAuthBearerLoginCallbackHandler`,
      'sasl.oauthbearer.token.endpoint.url': `file://${file}`,
      'sasl.jaas.config': `${BEARER_MODULE} required;`,
    });
    const told = await streamOf(url, '');
    await eventually('it is shown', () => told().includes('event: picture'));
    // Whoever has to say again who he is shows one that has ended.
    write(-60);
    await eventually('the end is told', () => /"trouble":"no broker answers: .*invalid_token/.test(told()));
    const before = told().length;
    write(3600);
    await eventually('it is over', () => told().slice(before).includes('data: {"trouble":null}'));
  });

  /** What is told there so far. */
  async function streamOf(url: string, cookie: string): Promise<() => string> {
    const { body } = await fetch(`${url}api/stream`, { headers: { cookie } });
    let text = '';
    void (async () => {
      for await (const part of body?.pipeThrough(new TextDecoderStream()) ?? []) text += part;
    })().catch(() => {});
    return () => text;
  }

  describe.skipIf(
    skipped('logins that end in the browser', browserPath === null ? 'no Chromium is installed' : null),
  )('in a browser that sleeps', () => {
    it('has the page ask again when it wakes, and say why', async () => {
      await setUser('console', 'of-console');
      await setUser('alice', 'of-alice');
      const url = await scramConsole();
      const way = await startFaultProxy(Number(new URL(url).port));
      let browser: Browser | null = null;
      try {
        browser = await openBrowser();
        const page = await (await browser.newContext()).newPage();
        page.setDefaultTimeout(60_000);
        await page.clock.install();
        await page.goto(`http://127.0.0.1:${way.port}/`);
        await page.getByLabel('user').fill('alice');
        await page.getByLabel('password').fill('of-alice');
        await page.keyboard.press('Enter');
        await page.getByText('live', { exact: true }).waitFor();
        await page.getByText('Broker 1 is the controller').waitFor();
        // Asleep: nothing comes, no timer runs.
        way.blackhole(true);
        await setUser('alice', null);
        await pause(2 * SESSION_MS);
        way.blackhole(false);
        await page.clock.fastForward(HOUR_MS);
        await page
          .getByRole('alert')
          .getByText('the cluster does not take this login of alice any more')
          .waitFor();
        expect(await page.getByText('is the controller').count()).toBe(0);
        await setUser('alice', 'of-alice');
        const isTaken = async () => (await logIn(url, 'alice', 'of-alice')).status === 200;
        await eventually('the broker has heard of it', isTaken);
        await page.getByLabel('user').fill('alice');
        await page.getByLabel('password').fill('of-alice');
        await page.keyboard.press('Enter');
        await page.getByText('live', { exact: true }).waitFor();
      } finally {
        await browser?.close();
        await way.close();
      }
    });
  });
});
