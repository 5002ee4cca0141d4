/** What the package offers to a service in CommonJS, by door. */
const doors = ['@latchkey/guard', '@latchkey/guard/permits'];
process.stdout.write(JSON.stringify(doors.map((door) => Object.keys(require(door)).sort())));
