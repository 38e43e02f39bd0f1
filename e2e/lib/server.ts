import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** How long the demonstration may take to make its images, ms. */
const START_TIMEOUT_MS = 180_000;

/** Somebody who can sign in. */
export interface SignIn {
  role: string;
  name: string;
  email: string;
  password: string;
}

/** What `overread demo --json` prints. */
export interface Demonstration {
  address: string;
  people: SignIn[];
  cases: Array<{ case_id: string; about: string }>;
  physician_address: string;
}

/** The repository's root. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** A running demonstration on a data folder of its own. */
export class DemoServer {
  private constructor(
    readonly demo: Demonstration,
    readonly data: string,
    private readonly process: ChildProcess,
  ) {}

  /** Starts the program that was built, on a free port. */
  static async start(): Promise<DemoServer> {
    const binary = process.env.OVERREAD_BIN ?? join(ROOT, "target/debug/overread");
    const data = await mkdtemp(join(tmpdir(), "overread-e2e-"));
    const child = spawn(binary, ["demo", "--data", data, "--listen", "127.0.0.1:0", "--json"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    try {
      return new DemoServer(await announcement(child), data, child);
    } catch (cause) {
      child.kill("SIGKILL");
      await rm(data, { recursive: true, force: true });
      throw cause;
    }
  }

  /** Ends it cleanly and takes its data away; fails when it does not end cleanly. */
  async stop(): Promise<void> {
    const ended = new Promise<number | null>((resolve) => this.process.once("exit", resolve));
    this.process.kill("SIGTERM");
    const code = await ended;
    await rm(this.data, { recursive: true, force: true });
    if (code !== 0) throw new Error(`the server ended with ${code}`);
  }

  /** The sign-in of a role; the first one when several have it. */
  person(role: string): SignIn {
    const found = this.demo.people.find((person) => person.role === role);
    if (!found) throw new Error(`nobody in the demonstration is a ${role}`);
    return found;
  }

  /** The case whose description has these words. */
  caseAbout(words: string): string {
    const found = this.demo.cases.find((each) => each.about.includes(words));
    if (!found) throw new Error(`no case of the demonstration is "${words}"`);
    return found.case_id;
  }
}

/** Waits for the JSON that the program prints when it is ready. */
function announcement(child: ChildProcess): Promise<Demonstration> {
  return new Promise((resolve, reject) => {
    let printed = "";
    let complained = "";
    const timer = setTimeout(
      () => reject(new Error(`the demonstration did not start: ${complained}`)),
      START_TIMEOUT_MS,
    );
    child.stderr?.on("data", (part: Buffer) => {
      complained = (complained + part.toString()).slice(-4_000);
    });
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}: ${complained}`)));
    child.stdout?.on("data", (part: Buffer) => {
      printed += part.toString();
      try {
        const demo = JSON.parse(printed) as Demonstration;
        clearTimeout(timer);
        resolve(demo);
      } catch {
        // not all of it yet
      }
    });
  });
}
