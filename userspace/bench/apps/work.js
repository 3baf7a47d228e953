// SPDX-License-Identifier: GPL-2.0
// Objects on V8's heap, which comes from mmap, and buffers, which come from malloc:
// fill, sort, write as JSON, compress, free.
"use strict";
const { createHash } = require("crypto");
const { execFileSync } = require("child_process");
const zlib = require("zlib");

const at = (moment) => execFileSync("/run.sh", ["at", moment, "node"], { stdio: "inherit" });
const sum = (data) => createHash("sha256").update(data).digest("hex");

at("start");
let buffers = [];
for (let i = 0; i < 2000; i++)
	buffers.push(Buffer.alloc(8192 + i, sum(String(i))));
let table = new Map(buffers.map((buffer, i) => [sum(buffer).slice(0, 12), { i, half: i >> 1, text: "x".repeat(i % 50) }]));
let order = [...table.keys()].sort();
console.log(sum(order.join("")));
let text = JSON.stringify([...table]);
console.log(text.length, sum(text), sum(zlib.deflateSync(text)));
console.log(buffers.every((buffer, i) => buffer.length === 8192 + i && buffer[8191] === buffer[63]));
at("load");
buffers = table = order = text = null;
globalThis.gc?.();
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 15000);
at("idle");
