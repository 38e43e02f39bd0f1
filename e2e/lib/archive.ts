import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "./server.ts";

/** What programs show to the archive; it is registered when the folder is new. */
const SECRET = "a-secret-for-tests-of-at-least-32-characters";

/** How long the program may take to make an empty folder ready, ms. */
const START_TIMEOUT_MS = 60_000;

/** `overread serve` on an empty folder of its own, with a token for programs. */
export class ArchiveServer {
  readonly authorization = `Bearer ${SECRET}`;

  private constructor(
    readonly address: string,
    private readonly data: string,
    private readonly process: ChildProcess,
  ) {}

  /** Starts the program that was built, on a free port, with the settings of a `config.toml`. */
  static async start(settings: string): Promise<ArchiveServer> {
    const data = await mkdtemp(join(tmpdir(), "overread-archive-"));
    await writeFile(join(data, "config.toml"), settings);
    const token = `${data}.token`;
    await writeFile(token, SECRET);
    const binary = process.env.OVERREAD_BIN ?? join(ROOT, "target/debug/overread");
    const child = spawn(
      binary,
      ["serve", "--data", data, "--listen", "127.0.0.1:0", "--bootstrap-token", token],
      { stdio: ["ignore", "pipe", "ignore"] },
    );
    try {
      return new ArchiveServer(await listening(child), data, child);
    } catch (cause) {
      child.kill("SIGKILL");
      throw cause;
    } finally {
      await rm(token);
    }
  }

  /** Stores Part 10 files by STOW-RS. */
  async store(files: readonly Buffer[]): Promise<void> {
    const edge = "overread-edge";
    const parts = files.flatMap((file) => [
      Buffer.from(`--${edge}\r\nContent-Type: application/dicom\r\n\r\n`),
      file,
      Buffer.from("\r\n"),
    ]);
    const response = await fetch(`${this.address}/dicom-web/studies`, {
      method: "POST",
      headers: {
        authorization: this.authorization,
        "content-type": `multipart/related; type="application/dicom"; boundary=${edge}`,
      },
      body: Buffer.concat([...parts, Buffer.from(`--${edge}--\r\n`)]),
    });
    if (!response.ok) throw new Error(`storing: ${response.status} ${await response.text()}`);
  }

  /** Asks for DICOM JSON. */
  async json(path: string): Promise<Array<Record<string, { Value?: unknown[] }>>> {
    const response = await fetch(`${this.address}/dicom-web${path}`, {
      headers: { authorization: this.authorization, accept: "application/dicom+json" },
    });
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return response.status === 204 ? [] : response.json();
  }

  /** Ends it cleanly and takes its data away; fails when it does not end cleanly. */
  async stop(): Promise<void> {
    const ended = new Promise<number | null>((resolve) => this.process.once("exit", resolve));
    this.process.kill("SIGTERM");
    const code = await ended;
    await rm(this.data, { recursive: true, force: true });
    if (code !== 0) throw new Error(`the archive ended with ${code}`);
  }
}

/** Waits for the address that the program prints when it is ready. */
function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = "";
    const timer = setTimeout(
      () => reject(new Error("the archive did not start")),
      START_TIMEOUT_MS,
    );
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the archive ended with ${code}`)));
    child.stdout?.on("data", (part: Buffer) => {
      printed += part.toString();
      const address = /listening on (http:\S+)/.exec(printed)?.[1];
      if (!address) return;
      clearTimeout(timer);
      resolve(address);
    });
  });
}
