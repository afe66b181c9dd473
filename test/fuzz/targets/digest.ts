/** DIGEST-MD5, at both ends: nobody is let in whose answer was made without the password, or changed since. */
import { DigestClient } from '../../../coordinator-client/sasl/digest-client.ts';
import { DigestError } from '../../../coordinator-client/sasl/digest-formula.ts';
import { DigestServer } from '../../../coordinator-client/sasl/digest-server.ts';
import { type FuzzTarget, must, refusable, type Verdict } from '../fuzz.ts';
import { mutated } from '../mutate.ts';
import { SECRETS } from './secrets.ts';

export const DIGEST_WORDS = [
  ...[
    '"',
    '\\',
    '\\"',
    ',',
    '=',
    ' ',
    '\t',
    'username="bob",',
    'authzid="bob",',
    'authzid="",',
    'nc=00000002,',
  ],
  ...['qop=auth-int,', 'realm="other",', 'response=', 'charset=utf-8,', 'é', '\0', ',,,,', 'rspauth='],
];
const USERS = new Map([
  ['alice', SECRETS.right],
  ['bob', SECRETS.other],
]);
const EMPTY = Buffer.alloc(0);

export const digestServer: FuzzTarget = {
  name: 'digest-server',
  about: 'answers to the challenge of DIGEST-MD5',
  share: 80,
  async prepare() {
    return (random) => {
      const knows = random.int(2) === 0;
      const isChanged = random.int(8) !== 0;
      const server = new DigestServer(USERS);
      const client = new DigestClient({ user: 'alice', password: knows ? SECRETS.right : SECRETS.wrong });
      const answer = client.next(server.next(EMPTY).token) ?? EMPTY;
      let user: string | null = null;
      const verdict = refusable(DigestError, () => {
        const step = server.next(isChanged ? mutated(random, answer, DIGEST_WORDS) : answer);
        user = step.kind === 'accepted' ? step.user : null;
      });
      must(verdict === 'refused' || (knows && user === 'alice'), `let in as ${user}`);
      must(verdict === 'taken' || !knows || isChanged, 'kept out with the password');
      return again(server, answer, verdict);
    };
  },
};

/** What is over is never taken up again, not even with the right answer. */
function again(server: DigestServer, answer: Buffer, verdict: Verdict): Verdict {
  must(refusable(DigestError, () => void server.next(answer)) === 'refused', 'a login that is over went on');
  return verdict;
}

export const digestClient: FuzzTarget = {
  name: 'digest-client',
  about: 'challenges of DIGEST-MD5 and the server’s proof, at the client',
  share: 30,
  async prepare() {
    const challenge = new DigestServer(USERS).next(EMPTY).token;
    return (random) => {
      const client = new DigestClient({ user: 'alice', password: SECRETS.right });
      return refusable(DigestError, () => {
        client.next(mutated(random, challenge, DIGEST_WORDS));
        const proof = mutated(random, Buffer.from(`rspauth=${'0'.repeat(32)}`), DIGEST_WORDS);
        must(refusable(DigestError, () => void client.next(proof)) === 'refused', 'it believes any server');
      });
    };
  },
};
