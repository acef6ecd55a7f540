// Where the window begins.
import { mount } from 'svelte';
import App from './App.svelte';
import './style/tokens.css';
import './style/base.css';
import './style/controls.css';
import { language } from './texts';

document.documentElement.lang = language;
const place = document.getElementById('window');
if (place) mount(App, { target: place });
