import{F as e,b as o,ca as t,da as i,ea as r,ja as n}from"./chunk5.js";import"./chunk3.js";t();r();var u=document.getElementById("app");u&&o(e(n,{}),u);i();
