/**
 * One life of a broker that is no process of its own: in the simulator, or in the process of a test.
 * Everything that reaches it comes through one gate: its timers, its bytes, its connections. A dead one is
 * never called again, a stopped one (SIGSTOP) finds everything waiting when it goes on, in the order in
 * which it came.
 */
import type { Channel, ChannelNetwork } from '../channels.ts';
import type { Clock, Timer } from '../clock.ts';
import type { ByteSocket, SocketNetwork } from '../sockets.ts';

interface ProcessWorld {
  readonly clock: Clock;
  readonly network: { readonly sockets: SocketNetwork; readonly channels: ChannelNetwork };
  /** How far this machine's clocks are from the others'. */
  readonly wallSkewMs?: number;
  readonly startMs?: number;
}

export class ProcessGate {
  readonly clock: Clock;
  readonly sockets: SocketNetwork;
  readonly channels: ChannelNetwork;
  readonly #world: ProcessWorld;
  #state: 'running' | 'paused' | 'dead' = 'running';
  #held: (() => void)[] = [];

  constructor(world: ProcessWorld) {
    this.#world = world;
    this.clock = this.#gatedClock();
    this.sockets = this.#gatedSockets();
    this.channels = this.#gatedChannels();
  }

  get state(): 'running' | 'paused' | 'dead' {
    return this.#state;
  }

  kill(): void {
    this.#state = 'dead';
    this.#held = [];
  }

  pause(): void {
    if (this.#state === 'running') this.#state = 'paused';
  }

  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    this.#drain();
  }

  /** Each of what waited is a callback of its own, with its microtasks after it. */
  #drain(): void {
    this.#world.clock.after(0, () => {
      if (this.#state !== 'running') return;
      this.#held.shift()?.();
      if (this.#held.length > 0) this.#drain();
    });
  }

  get #holds(): boolean {
    return this.#state === 'paused' || this.#held.length > 0;
  }

  /** Runs it now, when the process goes on, or never. */
  enter(run: () => void): void {
    if (this.#state === 'dead') return;
    if (this.#holds) this.#held.push(run);
    else run();
  }

  #gated(run: (() => void) | undefined): (() => void) | undefined {
    return run === undefined ? undefined : () => this.enter(run);
  }

  /** Bytes are the receiver's during the call only, so what waits is copied. */
  #data(receive: (data: Buffer) => void): (data: Buffer) => void {
    return (data) => {
      const bytes = this.#holds ? Buffer.from(data) : data;
      this.enter(() => receive(bytes));
    };
  }

  #gatedClock(): Clock {
    const { clock, wallSkewMs = 0, startMs = 0 } = this.#world;
    return {
      wallMs: () => clock.wallMs() + wallSkewMs,
      nowMs: () => clock.nowMs() + startMs,
      after: (delayMs, run): Timer => {
        let live = true;
        const timer = clock.after(delayMs, () =>
          this.enter(() => {
            if (!live) return;
            live = false;
            run();
          }),
        );
        return {
          cancel() {
            live = false;
            timer.cancel();
          },
        };
      },
      soon: (run) => clock.soon(() => this.enter(run)),
    };
  }

  /** What a promise comes to; what comes too late for its process is thrown away. */
  arrived<T>(coming: Promise<T>, discard: (made: T) => void = () => {}): Promise<T> {
    return new Promise((resolve, reject) => {
      coming.then(
        (made) => {
          if (this.#state === 'dead') discard(made);
          else this.enter(() => resolve(made));
        },
        (error) => this.enter(() => reject(error)),
      );
    });
  }

  #gatedSockets(): SocketNetwork {
    const { sockets } = this.#world.network;
    return {
      listen: (options) =>
        sockets.listen({
          ...options,
          accept: (socket) => this.enter(() => options.accept(this.#socket(socket))),
        }),
      dial: (target) =>
        this.arrived(sockets.dial(target), (socket) => socket.destroy()).then((socket) =>
          this.#socket(socket),
        ),
    };
  }

  #gatedChannels(): ChannelNetwork {
    const { channels } = this.#world.network;
    return {
      listen: (options) =>
        channels.listen({
          ...options,
          accept: (channel) => this.enter(() => options.accept(this.#channel(channel))),
          http: (request) => this.arrived(Promise.resolve()).then(() => options.http(request)),
        }),
      dial: (target) =>
        this.arrived(channels.dial(target), (channel) => channel.close('the process is gone')).then(
          (channel) => this.#channel(channel),
        ),
    };
  }

  #socket(inner: ByteSocket): ByteSocket {
    return {
      remoteHost: inner.remoteHost,
      remotePort: inner.remotePort,
      localPort: inner.localPort,
      peerCertificate: inner.peerCertificate,
      get bufferedBytes() {
        return inner.bufferedBytes;
      },
      get open() {
        return inner.open;
      },
      write: (parts, flushed) => inner.write(parts, this.#gated(flushed)),
      pause: () => inner.pause(),
      resume: () => inner.resume(),
      end: () => inner.end(),
      destroy: () => inner.destroy(),
      on: (events) =>
        inner.on({
          data: this.#data(events.data),
          readEnd: () => this.enter(() => events.readEnd?.()),
          drain: () => this.enter(() => events.drain?.()),
          close: (error) => this.enter(() => events.close(error)),
        }),
    };
  }

  #channel(inner: Channel): Channel {
    return {
      remote: inner.remote,
      remoteAddress: inner.remoteAddress,
      peerCertificate: inner.peerCertificate,
      get bufferedBytes() {
        return inner.bufferedBytes;
      },
      get open() {
        return inner.open;
      },
      send: (parts, sent) => inner.send(parts, this.#gated(sent)),
      allowMessages: (maxMessageBytes) => inner.allowMessages(maxMessageBytes),
      onMessage: (receive) => inner.onMessage(this.#data(receive)),
      onDrain: (drained) => inner.onDrain(() => this.enter(drained)),
      onClose: (closed) => inner.onClose((reason) => this.enter(() => closed(reason))),
      close: (reason) => inner.close(reason),
      destroy: () => inner.destroy(),
      identified: (brokerId) => inner.identified?.(brokerId),
    };
  }
}
