/**
 * What is told of logins: how many went well and how many did not, and one line for a failed one, so that
 * who guesses passwords is seen. No line holds what a client has sent to prove itself.
 * Source: the metrics and the log lines of Kafka's Selector and SocketServer.
 */
import type { Clock } from '../platform/clock.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import type { Metrics } from '../platform/metrics.ts';
import { SeldomLines } from '../platform/seldom-lines.ts';
import type { ClientSession } from './client-session.ts';

export interface LoginWitness {
  loggedIn(again: boolean): void;
  /** `reason`: null for what is this broker's own failure, which `error` is. */
  failed(session: ClientSession, reason: string | null, error: unknown): void;
  /** A client whose connection could not be made secure, or who has shown what is nobody's. */
  turnedAway(client: string, reason: string): void;
  /** A client went on after its session was over. */
  expired(): void;
}

export function loginWitness(parts: {
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly metrics: Metrics;
}): LoginWitness {
  const { clock, diagnostics, metrics } = parts;
  const counter = (name: string, help: string) =>
    metrics.counter(`kafka_network_socketserver_${name}_total`, help);
  const succeeded = counter('successfulauthentication', 'Logins of clients');
  const again = counter('successfulreauthentication', 'Logins of clients on a connection that had one');
  const failed = counter('failedauthentication', 'Logins of clients that failed');
  const expired = counter('expiredconnectionskilled', 'Connections closed because their session was over');
  const lines = new SeldomLines({ clock, say: (line) => diagnostics.warn(line), about: 'failed logins' });
  return {
    loggedIn: (isAgain) => (isAgain ? again : succeeded).add(1),
    expired: () => expired.add(1),
    turnedAway(client, reason) {
      failed.add(1);
      lines.say(`Failed authentication with ${client}: ${reason}`);
    },
    failed({ id, remoteHost }, reason, error) {
      failed.add(1);
      if (reason === null) diagnostics.error(`The login of ${remoteHost} (${id}) could not be judged`, error);
      else lines.say(`Failed authentication with ${remoteHost} (${id}): ${reason}`);
    },
  };
}
