/** The other thread of an audit (signature_thread.ts): it may do nothing but compute, and is told everything over one port. */

import { firstBadSignature, unpackJobs } from "../log/signature_jobs.ts";

addEventListener("message", (event) => {
  const port = event instanceof MessageEvent ? event.ports[0] : undefined;
  if (port === undefined) return;
  port.onmessage = ({ data }: MessageEvent<Uint8Array>) =>
    port.postMessage(firstBadSignature(unpackJobs(data)));
}, { once: true });
