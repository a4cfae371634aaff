// What goes wrong between a client and a server, as a proxy in front of a running gateway does it, one fault for each finding of the doctor.
//
// Each is {finding, fault, bend(proxy)}; `path` is asked in place of the server's, `signIn` goes all the way, `options` are the doctor's,
// and `rewrite(gateway)` are headers that the proxy sends on otherwise.
//
// Not here: faults of names and certificates, which no proxy behind the address can make (doctor-address.test.mjs).

import * as call from "./doctor-faults/call.mjs";
import * as discovery from "./doctor-faults/discovery.mjs";
import * as front from "./doctor-faults/front.mjs";
import * as signIn from "./doctor-faults/sign-in.mjs";

export const faults = [front, discovery, signIn, call].flatMap((part) => part.faults);
