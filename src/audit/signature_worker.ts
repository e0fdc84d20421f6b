/** The other thread of an audit (signature_thread.ts): it may do nothing but compute, and is told everything over one port. */

import { firstBadSignature, unpackJobs } from "./signature_jobs.ts";

addEventListener("message", (event) => {
  if (!(event instanceof MessageEvent)) return;
  const [port] = event.ports;
  const verdicts: Int32Array = event.data;
  if (port === undefined) return;
  let done = 0;
  port.onmessage = ({ data }: MessageEvent<Uint8Array>) => {
    Atomics.store(verdicts, done++ % verdicts.length, firstBadSignature(unpackJobs(data)));
    port.postMessage(null);
  };
}, { once: true });
