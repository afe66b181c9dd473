/**
 * The passwords among what is set at run time for this broker: decrypted when they are read, and encrypted anew
 * once when the secret has changed. What can't be decrypted is left out, and left as it lies.
 * Source: DynamicBrokerConfig.fromPersistentProps, maybeReEncodePasswords of Kafka 3.9.
 */
import type { ClusterStore } from '../../coordinator-client/stores/cluster-store.ts';
import { isPasswordProperty } from '../config/broker-config.ts';
import type { Overrides } from '../metadata/config-feed.ts';
import type { Diagnostics } from '../platform/diagnostics.ts';
import {
  decodedOrNull,
  type EncoderConfigs,
  type PasswordEncoder,
  passwordEncoder,
} from '../security/password-encoder.ts';

interface SecretConfigs extends EncoderConfigs {
  readonly passwordEncoderSecret: string | null;
  readonly passwordEncoderOldSecret: string | null;
}

export class StoredPasswords {
  /** By the present secret, and by the one before it; null without. */
  readonly #present: PasswordEncoder | null;
  readonly #former: PasswordEncoder | null;
  readonly #diagnostics: Diagnostics;

  /** Throws ConfigError for algorithms that are not known here. */
  constructor(configs: SecretConfigs, diagnostics: Diagnostics) {
    this.#present = passwordEncoder(configs.passwordEncoderSecret, configs);
    this.#former = passwordEncoder(configs.passwordEncoderOldSecret, configs);
    this.#diagnostics = diagnostics;
  }

  /** As they are meant, without those that can't be read. */
  decoded(overrides: Overrides): Overrides {
    const plain = new Map<string, string>();
    for (const [name, value] of overrides) {
      const password = isPasswordProperty(name) ? this.#decoded(name, value) : value;
      if (password !== null) plain.set(name, password);
    }
    return plain;
  }

  /** Has everything lie there by the present secret, as far as the former one opens it. */
  async renew(store: ClusterStore, brokerId: number): Promise<void> {
    const [present, former] = [this.#present, this.#former];
    if (present === null || former === null) return;
    let count = 0;
    await store.configs.rewrite('brokers', String(brokerId), (name, value) => {
      if (!isPasswordProperty(name)) return value;
      const password = decodedOrNull(former, value);
      count += password === null ? 0 : 1;
      return password === null ? value : present.encode(password);
    });
    if (count > 0) this.#diagnostics.info(`${count} passwords lie in ZooKeeper by the new secret now`);
  }

  #decoded(name: string, value: string): string | null {
    for (const encoder of [this.#present, this.#former]) {
      const password = decodedOrNull(encoder, value);
      if (password !== null) return password;
    }
    const reason =
      this.#present === null ? 'password.encoder.secret is not set' : 'not by password.encoder.secret';
    this.#diagnostics.error(
      `The dynamic configuration '${name}' is ignored: it can't be decoded (${reason})`,
    );
    return null;
  }
}
