/** Everything that is fuzzed. */
import type { FuzzTarget } from './fuzz.ts';
import { connection } from './targets/connection.ts';
import { digestClient, digestServer } from './targets/digest.ts';
import { login } from './targets/login.ts';
import { peers } from './targets/peers.ts';
import { javaStoreFiles, pemStores } from './targets/stores.ts';
import { certificateNames, jaas, passwords, scramTexts, tokenZnodes } from './targets/texts.ts';
import { tls } from './targets/tls.ts';
import { keySets, signedTokens } from './targets/tokens.ts';
import { zookeeper } from './targets/zookeeper.ts';

export const FUZZ_TARGETS: readonly FuzzTarget[] = [
  ...[login, connection, tls, zookeeper, peers],
  ...[digestServer, digestClient, signedTokens, keySets],
  ...[jaas, scramTexts, passwords, tokenZnodes, certificateNames],
  ...[pemStores, javaStoreFiles],
];
