export default { turbopack: { root: "/" } };
