// Swagger UI on our own OpenAPI document; a file of its own because the page's policy
// allows no inline script.
window.SwaggerUIBundle({
  url: "/api/schema/",
  dom_id: "#swagger-ui",
  deepLinking: true,
  // The public validator would be a request to another host.
  validatorUrl: null,
  persistAuthorization: false,
});
