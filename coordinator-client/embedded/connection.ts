/**
 * One client: a connect request or a four-letter word first, then requests, answered in their order.
 * A connection belongs to one session; the end of the connection is not the end of the session.
 * Source: org.apache.zookeeper.server.NIOServerCnxn, ZooKeeperServer.processPacket.
 */
import type { Socket } from 'node:net';
import type { Identity } from '../tree/acl.ts';
import { ZkError, type ZkErrorCode } from '../tree/error-codes.ts';
import type { Firing, WatchEvent } from '../tree/watches.ts';
import { AnswerQueue } from './answer-queue.ts';
import { certificateName } from './doors.ts';
import { fourLetterAnswer, isFourLetterWord } from './four-letter-words.ts';
import { HANDLERS } from './handlers.ts';
import { Identification } from './identification.ts';
import { JuteError, JuteReader, JuteWriter } from './jute.ts';
import type { RequestContext } from './request-context.ts';
import { RequestFrames } from './request-frames.ts';
import type { ClientConnection, ServerCore } from './server-core.ts';
import { Opcode, writeReplyHeader, writeWatchEvent, Xid } from './wire.ts';

/** A connect request is 44 or 45 bytes; nothing larger is one. */
const MAX_CONNECT_REQUEST_BYTES = 1024;
const PASSWORD_BYTES = 16;
const NOTHING = Buffer.alloc(0);

export class Connection implements ClientConnection {
  readonly address: string;
  readonly port: number;
  readonly establishedMs: number;
  readonly traffic = { received: 0, sent: 0, lastOpcode: 0, lastXid: 0, lastZxid: 0n };
  /** null until the connect request was answered; then the same to the end. */
  sessionId: bigint | null = null;
  readonly answers: AnswerQueue;
  readonly #core: ServerCore;
  readonly #socket: Socket;
  readonly #frames = new RequestFrames();
  readonly #identification: Identification;
  readonly #context: Omit<RequestContext, 'sessionId'>;
  /** No further request is taken. */
  #closed = false;
  /** Requests are waiting until the peer has taken more of its answers. */
  #stalled = false;

  constructor(socket: Socket, core: ServerCore) {
    this.#socket = socket;
    this.#core = core;
    this.address = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
    this.port = socket.remotePort ?? 0;
    this.establishedMs = core.clock.wallMs();
    const certificate = certificateName(socket, core.options.secure);
    this.#identification = new Identification(core.options, this.address, certificate);
    this.answers = new AnswerQueue(socket, core.options.maxUnreadBytes, () => this.#goOn());
    this.#context = {
      database: core.database,
      watcher: this,
      maxAnswerBytes: core.options.maxUnreadBytes,
      commit: (operations) => core.commit(operations, this),
      deliver: (firings: readonly Firing[]) => core.deliver(firings),
    };
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => {
      this.#closed = true;
      core.disconnected(this);
    });
    socket.setTimeout(core.options.handshakeTimeoutMs, () => {
      if (this.sessionId === null) socket.destroy();
    });
  }

  /** Whom the client has proved to be; its address is always among them. */
  get identities(): readonly Identity[] {
    return this.#identification.identities;
  }

  /** An event goes out before any later answer. */
  notify(event: WatchEvent): void {
    const writer = frame();
    // From 3.9 on the header carries the zxid of the change.
    writeReplyHeader(writer, Xid.EVENT, event.zxid, ZkError.OK);
    writeWatchEvent(writer, event.type, event.path);
    this.#send(writer);
  }

  /** No further request is taken; the socket ends once the last answer is out. */
  close(): void {
    this.#closed = true;
    this.answers.end(this.#core.journal.durable);
  }

  /** At once: what is still to be answered stays unknown to the client. */
  destroy(): void {
    this.#socket.destroy();
  }

  #onData(chunk: Buffer): void {
    this.#frames.push(chunk);
    this.#takeRequests();
  }

  #takeRequests(): void {
    try {
      while (!this.#closed && !this.answers.isFull && this.#takeRequest());
      if (this.answers.isFull) {
        this.#stalled = true;
        this.#socket.pause();
      }
    } finally {
      this.#core.flush();
    }
  }

  /** Called when answers have gone out, perhaps in the middle of a request: goes on afterwards. */
  #goOn(): void {
    if (!this.#stalled || this.answers.isFull) return;
    this.#stalled = false;
    setImmediate(() => {
      this.#socket.resume();
      this.#takeRequests();
    });
  }

  /** False when the next request is not complete. */
  #takeRequest(): boolean {
    const { options } = this.#core;
    if (this.sessionId === null) {
      const word = this.#frames.firstFour();
      if (word && isFourLetterWord(word)) {
        this.#sayFourLetters(word.toString('latin1'));
        return false;
      }
    }
    const limitBytes = this.sessionId === null ? MAX_CONNECT_REQUEST_BYTES : options.maxRequestBytes;
    const request = this.#frames.next(limitBytes);
    if (request === null) return false;
    if (request === 'too-large') {
      options.log(`closing ${this.address}:${this.port}: a request over ${limitBytes} bytes`);
      this.close();
      return false;
    }
    this.traffic.received++;
    this.#core.statistics.received++;
    if (this.sessionId === null) this.#connect(request);
    else this.#handle(request, this.sessionId);
    return true;
  }

  #sayFourLetters(word: string): void {
    this.#socket.end(fourLetterAnswer(word, this.#core));
    this.close();
  }

  #connect(request: Buffer): void {
    try {
      const reader = new JuteReader(request);
      reader.int(); // protocol version
      const asked = {
        lastSeenZxid: reader.long(),
        timeoutMs: reader.int(),
        sessionId: reader.long(),
        password: reader.buffer() ?? NOTHING,
      };
      const session = this.#core.openSession(this, asked);
      if (session === 'refused') {
        this.close();
        return;
      }
      const writer = frame()
        .int(0)
        .int(session?.timeoutMs ?? 0)
        .long(session?.id ?? 0n);
      writer.buffer(session?.password ?? Buffer.alloc(PASSWORD_BYTES));
      // Older clients send no readOnly byte, and expect none back.
      if (reader.remaining > 0) writer.boolean(false);
      this.sessionId = session?.id ?? null;
      this.#send(writer);
      if (session) this.#socket.setTimeout(0);
      else this.close();
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      this.close();
    }
  }

  #handle(request: Buffer, sessionId: bigint): void {
    if (request.length < 8) {
      this.close();
      return;
    }
    const reader = new JuteReader(request);
    const [xid, opcode] = [reader.int(), reader.int()];
    this.traffic.lastXid = xid;
    this.traffic.lastOpcode = opcode;
    if (!this.#core.touchSession(sessionId)) {
      this.#answer(xid, ZkError.SESSION_EXPIRED);
      this.close();
    } else if (opcode === Opcode.PING) this.#answer(Xid.PING, ZkError.OK);
    else if (opcode === Opcode.AUTH) this.#authenticate(reader);
    else if (opcode === Opcode.SASL) this.#logIn(xid, reader);
    else if (opcode === Opcode.CLOSE_SESSION) {
      this.#core.endSession(sessionId);
      this.#answer(xid, ZkError.OK);
      this.close();
    } else if (!this.#identification.isEnough) {
      this.#answer(xid, ZkError.SESSION_CLOSED_REQUIRE_SASL_AUTH);
      this.close();
    } else this.#perform(opcode, { xid, reader, sessionId });
  }

  #perform(opcode: number, request: { xid: number; reader: JuteReader; sessionId: bigint }): void {
    const handler = HANDLERS.get(opcode);
    if (!handler) {
      this.#answer(request.xid, ZkError.UNIMPLEMENTED);
      this.close();
      return;
    }
    // The body is written behind room for the length and the reply header, so that nothing is copied.
    const writer = frame();
    writeReplyHeader(writer, request.xid, 0n, ZkError.OK);
    let code: ZkErrorCode;
    try {
      code = handler(request.reader, writer, { ...this.#context, sessionId: request.sessionId });
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      code = ZkError.MARSHALLING;
    }
    if (code !== ZkError.OK) this.#answer(request.xid, code);
    else {
      writer.longAt(8, this.#core.database.lastZxid);
      this.#send(writer);
    }
    if (this.#core.database.watches.countOf(this) > this.#core.options.maxWatchesPerConnection) {
      this.#core.options.log(`closing ${this.address}:${this.port}: too many watches`);
      this.close();
    }
  }

  #authenticate(reader: JuteReader): void {
    let accepted = false;
    try {
      reader.int(); // type, always 0
      accepted = this.#identification.addAuthInfo(reader.string(), reader.buffer() ?? NOTHING);
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
    }
    const writer = frame();
    writeReplyHeader(writer, Xid.AUTH, 0n, accepted ? ZkError.OK : ZkError.AUTH_FAILED);
    this.#send(writer);
    if (!accepted) this.close();
  }

  #logIn(xid: number, reader: JuteReader): void {
    let answer: ReturnType<Identification['sasl']> = { ok: false };
    try {
      answer = this.#identification.sasl(reader.buffer() ?? NOTHING);
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
    }
    const writer = frame();
    writeReplyHeader(writer, xid, 0n, answer.ok ? ZkError.OK : ZkError.AUTH_FAILED);
    writer.buffer(answer.ok ? answer.token : null);
    this.#send(writer);
    if (answer.ok) return;
    this.#core.options.log(`closing ${this.address}:${this.port}: its login by SASL has failed`);
    this.close();
  }

  #answer(xid: number, code: ZkErrorCode): void {
    const writer = frame();
    writeReplyHeader(writer, xid, this.#core.database.lastZxid, code);
    this.#send(writer);
  }

  #send(writer: JuteWriter): void {
    const bytes = writer.intAt(0, writer.sizeBytes - 4).done();
    this.traffic.sent++;
    this.traffic.lastZxid = this.#core.database.lastZxid;
    this.#core.statistics.sent++;
    this.answers.add(bytes, this.#core.journal.appended);
    this.#core.toFlush(this);
  }
}

/** A writer with room for the length. */
function frame(): JuteWriter {
  return new JuteWriter().int(0);
}
