/** An action of the daemon with the types of its handler: the compiler then holds payload and result to the schemas. */

import type { GenericSchema, InferInput, InferOutput } from "valibot";
import type { CallOptions } from "./connection.ts";
import type { ExecuteOptions, OpenExecClient } from "./client.ts";
import type { Execution } from "./execution.ts";
import type { ExecutionRequest } from "./request.ts";

/** What `defineAction` returns, as far as types go. */
export interface HandlerTypes {
  readonly input: GenericSchema;
  readonly output: GenericSchema;
}

export type PayloadOf<Handler extends HandlerTypes> = InferInput<Handler["input"]>;
export type ResultOf<Handler extends HandlerTypes> = InferOutput<Handler["output"]>;

export class TypedAction<Handler extends HandlerTypes> {
  constructor(readonly client: OpenExecClient, readonly name: string) {}

  /** As OpenExecClient.request. */
  request(
    payload: PayloadOf<Handler>,
    options: { readonly nonce?: string } = {},
  ): ExecutionRequest {
    return this.client.request(this.name, payload, options);
  }

  /** As OpenExecClient.execute. The daemon checked the result against the handler's output schema before settling it. */
  async execute(
    request: ExecutionRequest,
    options: ExecuteOptions = {},
  ): Promise<Execution<ResultOf<Handler>>> {
    return await this.client.execute(request, options) as Execution<ResultOf<Handler>>;
  }

  /** As OpenExecClient.get. */
  async get(id: string, call: CallOptions = {}): Promise<Execution<ResultOf<Handler>>> {
    return await this.client.get(id, call) as Execution<ResultOf<Handler>>;
  }
}
