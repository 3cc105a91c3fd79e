import{$ as t,E as e,aa as i,b as o,ba as r,ga as n}from"./chunk5.js";import"./chunk2.js";t();r();var u=document.getElementById("app");u&&o(e(n,{}),u);i();
