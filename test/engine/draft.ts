/** A request that can be made wrong, step by step, and the daemon that it meets. */

import { join } from "node:path";
import { expect } from "vitest";
import type { ActionConfig, Config, Limits, SocketConfig } from "../../src/config/config.ts";
import { actionDigest, canonicalRequest } from "../../src/core/json/canonical_json.ts";
import { parseIJson } from "../../src/core/json/json.ts";
import type { JsonObject } from "../../src/core/types.ts";
import { Server } from "../../src/server/server.ts";
import { FakeInspector, FakeOperator, LIMITS, socketConfig } from "../server/fakes.ts";
import { claims, envelope, PAYLOAD, subject } from "../support/approvals.ts";
import { call, type HttpAnswer } from "../support/http.ts";
import { CONFIG, EngineScene } from "./engine_scene.ts";

type Changeable<T> = { -readonly [Name in keyof T]: T[Name] };

/** A request in the making, and the daemon that it will meet. */
export class Draft implements AsyncDisposable {
  method = "POST";
  path = "/execute";
  action = "echo";
  payload: JsonObject = PAYLOAD;
  nonce: string | undefined = "n-1";
  readonly claims: Record<string, string | number> = {};
  /** Changes to the signed envelope, made one after another. */
  readonly spoil: ((approval: JsonObject) => JsonObject | undefined)[] = [];
  /** Changes to the body's text, made one after another. */
  readonly rewrite: ((text: string) => string)[] = [];
  /** Options of the agent socket. */
  socket: Partial<SocketConfig> = {};
  requestsPerSecond = 0;

  private constructor(
    readonly scene: EngineScene,
    /** The daemon's configuration, to be changed in place. */
    readonly config: Changeable<Pick<Config, "allowedActions">> & {
      readonly limits: Changeable<Limits>;
      readonly actions: Map<string, ActionConfig>;
    },
  ) {}

  static async begin(): Promise<Draft> {
    const config = { ...CONFIG, limits: { ...CONFIG.limits }, actions: new Map(CONFIG.actions) };
    const needs = ["amount", "to"];
    return new Draft(await EngineScene.start({ config, needs }), config);
  }

  /** Has `echo` executed with an approval issued now, by this peer unless by another `uid`. */
  async earlier(jti: string, nonce: string, uid = Deno.uid() ?? 0): Promise<void> {
    const iat = Math.floor(this.scene.clock.wallMs / 1000);
    const peer = { ...subject().peer, uid };
    const answer = await this.scene.ask(claims({ jti, nonce, iat }), nonce, 0, peer);
    expect(answer).toMatchObject({ ok: true, execution: { replayed: false } });
  }

  async send(): Promise<HttpAnswer> {
    const directory = Deno.makeTempDirSync({ prefix: "openexec-order-" });
    const path = join(directory, "agent.sock");
    const server = await Server.start({
      sockets: [socketConfig(path, this.socket)],
      inherited: [],
      limits: { ...LIMITS, requestsPerSecond: this.requestsPerSecond },
      engine: this.scene.engine,
      inspector: new FakeInspector(),
      operator: new FakeOperator(),
      proposals: this.scene.engine.proposals,
      clock: this.scene.ledger.clock,
      observe: () => {},
      observeCrowd: () => {},
      onBug: (error) => this.scene.bugs.push(error),
    });
    try {
      const text = this.rewrite.reduce(
        (body, next) => next(body),
        JSON.stringify(this.#body()),
      );
      return await call(path, this.method, this.path, text);
    } finally {
      await server.stop();
      Deno.removeSync(directory, { recursive: true });
    }
  }

  #body(): JsonObject {
    const { action, payload, nonce } = this;
    const canonical = canonicalRequest(action, parseIJson(JSON.stringify(payload)));
    const digest = actionDigest(canonical);
    const approved = envelope(claims({ action, action_digest: digest, ...this.claims }));
    const approval = this.spoil.reduce<JsonObject | undefined>(
      (spoilt, next) => spoilt === undefined ? undefined : next(spoilt),
      approved,
    );
    return {
      action,
      payload,
      ...(nonce === undefined ? {} : { nonce }),
      ...(approval === undefined ? {} : { approval }),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.scene[Symbol.asyncDispose]();
  }
}
