import{F as e,b as o,ba as t,ca as i,da as r,ia as n}from"./chunk5.js";import"./chunk3.js";t();r();var u=document.getElementById("app");u&&o(e(n,{}),u);i();
