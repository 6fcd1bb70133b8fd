export const dynamic = "force-dynamic";

/** The token that the test has got for the person who is signed in here. */
export function GET() {
  return Response.json({ identity: process.env.IDENTITY });
}
