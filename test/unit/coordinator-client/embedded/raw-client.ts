/** A client that says exactly what a test wants said on ZooKeeper's wire, and shows what comes back. */
import { createConnection, type Socket } from 'node:net';
import { JuteReader, JuteWriter } from '../../../../coordinator-client/embedded/jute.ts';
import { eventually } from '../../../support/eventually.ts';

export interface Reply {
  readonly xid: number;
  readonly zxid: bigint;
  readonly code: number;
  readonly body: JuteReader;
}

interface Welcome {
  readonly timeoutMs: number;
  readonly sessionId: bigint;
  readonly password: Buffer;
  readonly hasReadOnly: boolean;
}

interface Hello {
  readonly lastSeenZxid?: bigint;
  readonly timeoutMs?: number;
  readonly sessionId?: bigint;
  readonly password?: Buffer;
  readonly readOnly?: boolean;
}

export class RawClient {
  readonly socket: Socket;
  closed = false;
  #received: Buffer = Buffer.alloc(0);
  #nextXid = 1;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = createConnection({ port, host: '127.0.0.1', noDelay: true });
    const client = new RawClient(socket);
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return client;
  }

  /** Connected, with a session. */
  static async session(port: number, hello: Hello = {}): Promise<RawClient & { welcome: Welcome }> {
    const client = await RawClient.connect(port);
    return Object.assign(client, { welcome: await client.hello(hello) });
  }

  async hello(hello: Hello): Promise<Welcome> {
    const writer = new JuteWriter()
      .int(0)
      .long(hello.lastSeenZxid ?? 0n)
      .int(hello.timeoutMs ?? 60_000);
    writer.long(hello.sessionId ?? 0n).buffer(hello.password ?? Buffer.alloc(16));
    if (hello.readOnly ?? true) writer.boolean(false);
    this.frame(writer.done());
    const reader = new JuteReader(await this.#nextFrame());
    reader.int();
    const [timeoutMs, sessionId, password] = [
      reader.int(),
      reader.long(),
      reader.buffer() ?? Buffer.alloc(0),
    ];
    return { timeoutMs, sessionId, password: Buffer.from(password), hasReadOnly: reader.remaining > 0 };
  }

  frame(body: Buffer): void {
    this.socket.write(Buffer.concat([new JuteWriter().int(body.length).done(), body]));
  }

  /** Sends a request and returns its xid. */
  send(opcode: number, body: (writer: JuteWriter) => void = () => {}): number {
    const xid = this.#nextXid++;
    const writer = new JuteWriter().int(xid).int(opcode);
    body(writer);
    this.frame(writer.done());
    return xid;
  }

  async reply(): Promise<Reply> {
    const body = new JuteReader(await this.#nextFrame());
    return { xid: body.int(), zxid: body.long(), code: body.int(), body };
  }

  ask(opcode: number, body?: (writer: JuteWriter) => void): Promise<Reply> {
    this.send(opcode, body);
    return this.reply();
  }

  create(path: string, flags = 0, data = 'x'): Promise<Reply> {
    return this.ask(1, (writer) => writeCreate(writer, path, flags, data));
  }

  async names(path: string): Promise<readonly string[] | number> {
    const reply = await this.ask(8, (writer) => writer.string(path).boolean(false));
    return reply.code === 0 ? reply.body.strings().sort() : reply.code;
  }

  /** Everything until the other end closes, as text. */
  async rest(): Promise<string> {
    await eventually('the server closes', () => this.closed);
    return this.#received.toString('latin1');
  }

  async #nextFrame(): Promise<Buffer> {
    const whole = (): boolean =>
      this.#received.length >= 4 && this.#received.length >= 4 + this.#received.readInt32BE(0);
    while (!whole()) {
      if (this.closed) throw new Error('closed');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const end = 4 + this.#received.readInt32BE(0);
    const frame = this.#received.subarray(4, end);
    this.#received = this.#received.subarray(end);
    return frame;
  }
}

export function writeCreate(writer: JuteWriter, path: string, flags = 0, data = 'x'): void {
  writer.string(path).buffer(Buffer.from(data)).int(1).int(31).string('world').string('anyone').int(flags);
}
