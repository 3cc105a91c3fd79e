import{F as e,aa as t,b as o,ba as i,ca as r,ha as n}from"./chunk5.js";import"./chunk2.js";t();r();var u=document.getElementById("app");u&&o(e(n,{}),u);i();
