/**
 * Logging in as a client: what a mechanism says (security/sasl/ has them), and the requests that carry it.
 * Source: KIP-43, KIP-152; SaslClientAuthenticator of Kafka.
 */
import { ErrorCode, errorName } from '../errors.ts';
import { SaslHandshake } from './messages/17-sasl-handshake.ts';
import { SaslAuthenticate } from './messages/36-sasl-authenticate.ts';
import type { AnyApi, RequestInput, ResponseOf } from './schema.ts';

/** The login can't go on; the message is for the user of the client. */
export class SaslLoginError extends Error {
  override readonly name = 'SaslLoginError';
}

export interface SaslClient {
  readonly mechanism: string;
  /** Yields what is to be sent and is given the answer to it; ends when the broker has proved itself. */
  tokens(): AsyncGenerator<Buffer, void, Buffer>;
}

/** Where the requests of a login go. */
interface Asked {
  request<A extends AnyApi>(api: A, request: RequestInput<A>): Promise<ResponseOf<A>>;
}

/** Answers how long the session lasts, in milliseconds; 0: for ever. Rejects with {@link SaslLoginError}. */
export async function logIn(connection: Asked, client: SaslClient): Promise<number> {
  const { errorCode, mechanisms } = await connection.request(SaslHandshake, { mechanism: client.mechanism });
  if (errorCode === ErrorCode.UNSUPPORTED_SASL_MECHANISM) {
    throw new SaslLoginError(
      `the broker does not take ${client.mechanism}: enabled there are ${mechanisms.join(', ')}`,
    );
  }
  if (errorCode !== ErrorCode.NONE) {
    throw new SaslLoginError(`the broker refuses a login on this listener: ${errorName(errorCode)}`);
  }
  const tokens = client.tokens();
  let sessionLifetimeMs = 0;
  for (let said = await tokens.next(); said.done !== true; ) {
    const answer = await connection.request(SaslAuthenticate, { authBytes: said.value });
    if (answer.errorCode !== ErrorCode.NONE) {
      throw new SaslLoginError(answer.errorMessage ?? errorName(answer.errorCode));
    }
    sessionLifetimeMs = answer.sessionLifetimeMs;
    said = await tokens.next(answer.authBytes);
  }
  return sessionLifetimeMs;
}
