/**
 * A console beside a broker that asks who one is and goes by access rules: each browser logs in, and sees and
 * does what its user may; what the console itself may see is shown to nobody else.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CreateTopics } from '../../broker/protocol/messages/19-create-topics.ts';
import { CreateAcls } from '../../broker/protocol/messages/30-create-acls.ts';
import { AdminClient } from '../../scripts/cli/admin-client.ts';
import type { ClusterPicture } from '../../scripts/console/picture.ts';
import { skipped } from '../interop/interop-cluster.ts';
import { PLAIN_MODULE, type SecureBroker, startSecureBroker } from '../interop/secure-broker.ts';
import { eventually } from '../support/eventually.ts';
import { browserPath, openBrowser } from './browser.ts';
import {
  type Answer,
  type ConsoleProcess,
  cookieOf,
  logIn as logInAt,
  MAIN,
  PAGE,
  send as sendTo,
  startConsole,
} from './console-process.ts';

const PASSWORD = 'pa55-of-alice';
const USERS = `user_alice="${PASSWORD}" user_root="pa55-of-root" user_console="pa55-of-console"`;
const TOPIC = 2;
const LITERAL = 3;
const ALLOW = 3;
const [READ, DESCRIBE] = [3, 8];

describe('a console beside a cluster that asks for logins', () => {
  let broker: SecureBroker;
  let console: ConsoleProcess;
  let browser: Browser | null = null;

  beforeAll(async () => {
    broker = await startSecureBroker({
      'authorizer.class.name': 'kafka.security.authorizer.AclAuthorizer',
      'super.users': 'User:ANONYMOUS;User:root;User:console',
      'listener.name.sasl_ssl.plain.sasl.jaas.config': `${PLAIN_MODULE} required ${USERS};`,
    });
    await furnish(broker.at('PLAINTEXT'));
    const lines = {
      'sasl.mechanism': 'PLAIN',
      'sasl.jaas.config': `${PLAIN_MODULE} required username="console" password="pa55-of-console";`,
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': broker.caFile,
    };
    console = await startConsole(broker, 'SASL_SSL', lines, ['--allow-changes']);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await console?.end();
    await broker?.close();
  });

  const send = (path: string, headers?: Record<string, string>, body?: object): Promise<Answer> =>
    sendTo(`${console.url}${path}`, headers, body);
  const logIn = (user: string, password: string): Promise<Answer> => logInAt(console.url, user, password);
  async function inAs(user: string): Promise<Record<string, string>> {
    const answer = await logIn(user, user === 'alice' ? PASSWORD : `pa55-of-${user}`);
    expect(answer.cookies, answer.body).toHaveLength(1);
    return { ...PAGE, cookie: cookieOf(answer) };
  }

  it('has the page for everybody, and answers for nobody', async () => {
    expect((await send('')).status).toBe(200);
    for (const path of ['api/picture', 'api/stream', 'api/znode?path=/', 'api/events', 'api/nothing'])
      expect(await send(path), path).toMatchObject({ status: 401, body: '{"error":"log in first"}' });
    const guessed = { ...PAGE, cookie: `odradek-console-${new URL(console.url).port}=${'A'.repeat(43)}` };
    expect((await send('api/picture', guessed)).status).toBe(401);
    expect((await send('api/move', guessed, {})).status).toBe(401);
  });

  it('takes only users of the cluster with their passwords, and says no secret', async () => {
    const { status, cookies, body } = await logIn('alice', 'wr0ng-secret');
    expect({ status, cookies }).toEqual({ status: 401, cookies: [] });
    expect(body).toContain('Authentication failed');
    expect(body).not.toContain('wr0ng');
    expect((await logIn('alice', '')).status).toBe(400);
    expect((await logIn('alice', 'x\0alice')).status).toBe(400);
    expect((await logIn('alice', 'x'.repeat(1025))).status).toBe(400);
  });

  it('takes logins of its own page only', async () => {
    const body = { user: 'alice', password: PASSWORD };
    expect((await send('api/log-in', {}, body)).status).toBe(400);
    expect((await send('api/log-in', { ...PAGE, origin: 'http://evil.example' }, body)).status).toBe(403);
    expect((await send('api/log-in', { ...PAGE, 'sec-fetch-site': 'same-site' }, body)).status).toBe(403);
  });

  it('keeps who it is where no script and no other site can use it', async () => {
    const { cookies } = await logIn('alice', PASSWORD);
    expect(cookies[0]).toMatch(/^odradek-console-\d+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
  });

  it('shows a user only what that user may see', async () => {
    const alice = await inAs('alice');
    const { picture } = JSON.parse((await send('api/picture', alice)).body) as { picture: ClusterPicture };
    expect(Object.keys(picture.partitions)).toEqual(['hers-0']);
    expect(picture.brokers).toMatchObject([{ id: 1, sessionId: null, peer: null }]);
    expect((await send('api/records?topic=hers&partition=0', alice)).status).toBe(200);
    const others = await send('api/records?topic=others&partition=0', alice);
    expect(others.body).toMatch(/UNKNOWN_TOPIC_OR_PARTITION|TOPIC_AUTHORIZATION_FAILED/);
    for (const path of ['api/znode?path=/config/users', 'api/faults'])
      expect(await send(path, alice), path).toMatchObject({
        status: 403,
        body: '{"error":"this takes ALTER on the cluster"}',
      });
    for (const path of ['api/events', 'api/story', 'api/story?partition=others-0'])
      expect((await send(path, alice)).status, path).toBe(403);
    const recording = await send('api/recording', alice);
    expect(recording.body).not.toContain('others');
    const moved = { topic: 'others', partition: '0', replicas: '1' };
    expect((await send('api/move', alice, moved)).body).toContain('CLUSTER_AUTHORIZATION_FAILED');
    expect((await send('api/strike', alice, { broker: 1, fault: 'disk-slow' })).status).toBe(403);
  });

  it('shows everything to who may see it, at the same time', async () => {
    const root = await inAs('root');
    const { picture } = JSON.parse((await send('api/picture', root)).body) as { picture: ClusterPicture };
    expect(Object.keys(picture.partitions).sort()).toEqual(['hers-0', 'others-0']);
    expect(picture.brokers[0]?.sessionId).toMatch(/^0x/);
    expect((await send('api/znode?path=/controller', root)).status).toBe(200);
    expect((await send('api/events', root)).status).toBe(200);
  });

  it('ends a session with its stream when the user logs out', async () => {
    const alice = await inAs('alice');
    const stream = send('api/stream', alice);
    await eventually('the page is told', async () => (await send('api/session', alice)).status === 200);
    expect((await send('api/log-out', alice, {})).cookies[0]).toContain('Max-Age=0');
    const { body } = await stream;
    expect(body).toContain('event: picture');
    expect(body).not.toContain('others');
    expect((await send('api/picture', alice)).status).toBe(401);
  });

  it('stays on this machine, where passwords go in the clear', async () => {
    const properties = join(broker.directory, 'console.properties');
    const args = [MAIN, 'console', '--command-config', properties, '--host', '0.0.0.0'];
    const refused = spawn(process.execPath, args);
    let said = '';
    refused.stderr.setEncoding('utf8').on('data', (part) => (said += part));
    const [status] = await once(refused, 'close');
    expect({ status, said }).toEqual({ status: 2, said: expect.stringContaining('--host takes a loopback') });
  });

  describe.skipIf(
    skipped(
      'logging in on the page of the console',
      browserPath === null ? 'no Chromium is installed' : null,
    ),
  )('in the browser', () => {
    it('asks for user and password, and shows what may be seen', async () => {
      browser = await openBrowser();
      const page = await browser.newPage();
      page.setDefaultTimeout(60_000);
      await page.goto(`${console.url}#ZooKeeper`);
      await page.getByLabel('user').fill('alice');
      await page.getByLabel('password').fill('wrong');
      await page.keyboard.press('Enter');
      await page.getByRole('alert').getByText('Authentication failed').waitFor();
      await page.getByLabel('password').fill(PASSWORD);
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: 'log out alice' }).waitFor();
      expect(await page.locator('nav a').allTextContents()).not.toContain('ZooKeeper');
      await page.getByText('Broker 1 is the controller').waitFor();
      expect(await page.evaluate('document.cookie')).toBe('');
      await page.getByRole('button', { name: 'log out alice' }).click();
      await page.getByLabel('user').fill('root');
      await page.getByLabel('password').fill('pa55-of-root');
      await page.keyboard.press('Enter');
      await page.locator('.tree summary', { hasText: 'controller_epoch' }).waitFor();
    }, 90_000);
  });

  it('has written no secret anywhere', () => {
    expect(console.printed()).not.toMatch(/pa55|wr0ng/);
  });
});

/** Two topics; one is alice's. */
async function furnish(bootstrapServers: string): Promise<void> {
  const admin = new AdminClient(bootstrapServers);
  const topics = ['hers', 'others'].map((name) => ({
    name,
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  }));
  const request = { topics, timeoutMs: 10_000, validateOnly: false };
  await admin.askController(CreateTopics, request, (response) => response.topics);
  const creations = [READ, DESCRIBE].map((operation) => ({
    resourceType: TOPIC,
    resourceName: 'hers',
    resourcePatternType: LITERAL,
    principal: 'User:alice',
    host: '*',
    operation,
    permissionType: ALLOW,
  }));
  await admin.askAnyBroker(CreateAcls, { creations });
  admin.close();
}
