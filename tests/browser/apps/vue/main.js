import { createApp } from "vue";
import { createRouter, createWebHistory } from "vue-router";
import Shop from "./Shop.vue";

const routes = [{ path: "/:place(.*)", component: { render: () => null } }];
createApp(Shop).use(createRouter({ history: createWebHistory(), routes })).mount("#app");
